using System.Collections.Concurrent;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Auth;

/// <summary>
/// The tokens that stand for users (etcd: simple tokens). Every member learns of a token where its grant is applied, and forgets
/// it where the user's password changes; none of it is stored, so after a restart clients authenticate anew. Any thread may look.
/// </summary>
/// <remarks>A grant that is applied again after a restart is as old as its command says, so it revives no expired token.</remarks>
public sealed class TokenTable
{
    private readonly ConcurrentDictionary<string, Holder> _holders = new(StringComparer.Ordinal);

    /// <summary>The tokens that are known, expired ones included that nobody has cleared away.</summary>
    public int Count => _holders.Count;

    /// <summary>The user of a token that was used, here, within its time to live; null: there is none. Looking is using.</summary>
    /// <param name="token">What the client sent.</param>
    /// <param name="nowUnixMs">Wall-clock time.</param>
    /// <param name="ttlMs">Milliseconds without use after which a token expires.</param>
    public string? Use(string token, long nowUnixMs, long ttlMs)
    {
        if (!_holders.TryGetValue(token, out var holder)) return null;
        if (nowUnixMs - holder.LastUseUnixMs > ttlMs)
        {
            _holders.TryRemove(token, out _);
            return null;
        }
        if (nowUnixMs > holder.LastUseUnixMs) holder.LastUseUnixMs = nowUnixMs;
        return holder.User;
    }

    /// <summary>Clears away the tokens that were last used before a time, in Unix milliseconds.</summary>
    public void ForgetUnusedSince(long unixMs)
    {
        foreach (var (token, holder) in _holders)
            if (holder.LastUseUnixMs < unixMs) _holders.TryRemove(token, out _);
    }

    internal void Add(TokenGrant grant, long unixMs) => _holders[grant.Token] = new Holder(grant.User, unixMs);

    internal void ForgetUser(string user)
    {
        foreach (var (token, holder) in _holders)
            if (holder.User == user) _holders.TryRemove(token, out _);
    }

    internal void Clear() => _holders.Clear();

    private sealed class Holder(string user, long lastUseUnixMs)
    {
        private long _lastUseUnixMs = lastUseUnixMs;

        public string User => user;

        public long LastUseUnixMs
        {
            get => Volatile.Read(ref _lastUseUnixMs);
            set => Volatile.Write(ref _lastUseUnixMs, value);
        }
    }
}
