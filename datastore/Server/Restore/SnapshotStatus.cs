using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Raft.KeyValue;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Storage.Ordered;

namespace Raft.Server.Restore;

/// <summary>What is in a snapshot, as `etcdutl snapshot status` says it.</summary>
/// <param name="Hash">What `etcdctl endpoint hashkv` says of a member that has the snapshot's content.</param>
/// <param name="Revision">Of the last change.</param>
/// <param name="Keys">Living keys.</param>
/// <param name="Bytes">Of the file.</param>
internal sealed record SnapshotStatus(uint Hash, long Revision, long Keys, long Bytes)
{
    /// <summary>Reads a snapshot. The store wants files of its own: there has to be room for a copy where temporary files go.</summary>
    /// <exception cref="SnapshotException">The snapshot is no good.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static async Task<SnapshotStatus> ReadAsync(string path)
    {
        using var snapshot = await SnapshotFile.OpenAsync(path, skipHashCheck: false);
        var folder = Directory.CreateTempSubdirectory("raft-snapshot-");
        try
        {
            using var store = RocksStore.Open(
                folder.CreateSubdirectory("store").FullName, folder.CreateSubdirectory("staging").FullName, new StoreOptions());
            using (var received = store.Begin())
            {
                await snapshot.UnpackAsync(received);
                store.Install(received);
            }

            using var content = new KeyValueStore(store);
            using var view = content.OpenView();
            return Of(view, snapshot.LengthBytes);
        }
        catch (InvalidDataException error)
        {
            throw new SnapshotException($"The snapshot '{path}' cannot be understood: {error.Message}", error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>In one of etcd's forms: simple, json or table.</summary>
    public string Write(string form) => form switch
    {
        "json" => Json(),
        "table" => Table(),
        _ => string.Join(", ", Cells()),
    };

    private static SnapshotStatus Of(StoreView view, long bytes)
    {
        var first = ByteString.CopyFrom(0);
        var keys = view.Range(
            new RangeRequest { Key = first, RangeEnd = first, CountOnly = true },
            new AuthIdentity { User = AuthState.Root, AuthRevision = view.Auth.Revision });
        return new(view.HashKv(0).Response!.Hash, view.Revision, keys.Response!.Count, bytes);
    }

    private string[] Cells() =>
        [Hash.ToString("x8", CultureInfo.InvariantCulture), Revision.ToString(CultureInfo.InvariantCulture), Keys.ToString(CultureInfo.InvariantCulture), Size()];

    private string Size()
    {
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        var (size, unit) = ((double)Bytes, 0);
        for (; size >= 1000 && unit < units.Length - 1; unit++)
        {
            size /= 1000;
        }

        return size.ToString(size < 10 && unit > 0 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    private string Json()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("hash", Hash);
            json.WriteNumber("revision", Revision);
            json.WriteNumber("totalKey", Keys);
            json.WriteNumber("totalSize", Bytes);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private string Table()
    {
        string[] heads = ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"];
        var cells = Cells();
        var widths = heads.Zip(cells, (head, cell) => Math.Max(head.Length, cell.Length)).ToArray();
        var rule = $"+{string.Join('+', widths.Select(width => new string('-', width + 2)))}+";
        string Row(string[] texts) => $"|{string.Concat(texts.Select((text, column) => $" {text.PadLeft(widths[column])} |"))}";

        return string.Join('\n', rule, Row(heads), rule, Row(cells), rule);
    }
}
