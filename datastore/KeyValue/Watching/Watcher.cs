using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>One watch of one stream. Touched under the hub's gate, but for what says otherwise.</summary>
internal sealed class Watcher(long id, WatchedRange range, WatchCreateRequest request, WatchChannel stream)
{
    private readonly bool _withoutPuts = request.Filters.Contains(WatchCreateRequest.Types.FilterType.Noput);
    private readonly bool _withoutDeletes = request.Filters.Contains(WatchCreateRequest.Types.FilterType.Nodelete);

    public long Id => id;

    public WatchedRange Range => range;

    public WatchChannel Stream => stream;

    /// <summary>Events carry the pair before the change.</summary>
    public bool WithPrevious { get; } = request.PrevKv;

    /// <summary>A response may be split, inside a revision too.</summary>
    public bool MayFragment { get; } = request.Fragment;

    /// <summary>Wants to be told now and then that nothing happened.</summary>
    public bool WantsProgress { get; } = request.ProgressNotify;

    /// <summary>It has been sent, or need not be sent, every event below this revision, nor what its cohort has gone through.</summary>
    public long Next { get; set; }

    /// <summary>It gets events as they happen; otherwise it is reading up on the past.</summary>
    public bool IsSynced { get; set; }

    /// <summary>Those with whom it reads up on the past; null: it need not, or its client must first take what waits.</summary>
    public Cohort? Cohort { get; set; }

    /// <summary>It gets nothing more of the piece of the past that is being read. The reader's alone.</summary>
    public bool HasFallenOut { get; set; }

    public bool IsCanceled { get; set; }

    /// <summary>Whether it was sent events since the last periodic notice.</summary>
    public bool HadAnswer { get; set; }

    /// <summary>The newest answer with events that was put into the stream's queue. Under the queue's lock.</summary>
    public WatchAnswer? Open { get; set; }

    /// <summary>Events found and not yet put into the queue: whole revisions only are seen there.</summary>
    public WatchAnswer? Staged { get; set; }

    /// <returns>The bytes that the event added.</returns>
    public int Stage(EncodedEvent encoded)
    {
        Staged ??= new WatchAnswer { WatchId = id, MayFragment = MayFragment };
        var field = encoded.Field(WithPrevious);
        Staged.Add(field, encoded.Revision);
        return field.Length;
    }

    public bool Wants(bool isDelete) => !(isDelete ? _withoutDeletes : _withoutPuts);
}
