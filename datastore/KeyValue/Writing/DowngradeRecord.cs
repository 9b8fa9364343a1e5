using System.Text;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Writing;

/// <summary>
/// The downgrade that is enabled, if one is. Whether a version may be gone back to is decided before a request comes here: members
/// of different versions would not agree on it.
/// </summary>
internal static class DowngradeRecord
{
    public static DowngradeInfo Read(IStateReader reader) => reader.TryGet(KeyLayout.Downgrade.Span, out var target)
        ? new DowngradeInfo { Enabled = true, TargetVersion = Encoding.UTF8.GetString(target.Span) }
        : new DowngradeInfo();

    /// <returns>The refusal of what does not fit the present state, or null.</returns>
    public static StoreError? Apply(Overlay overlay, DowngradeRequest request)
    {
        var isEnabled = overlay.TryGet(KeyLayout.Downgrade.Span, out _);
        if (request.Action == DowngradeRequest.Types.DowngradeAction.Cancel)
        {
            if (!isEnabled) return StoreError.NoDowngrade;
            overlay.Delete(KeyLayout.Downgrade);
            return null;
        }
        if (isEnabled) return StoreError.DowngradeInProgress;
        if (request.Action == DowngradeRequest.Types.DowngradeAction.Enable)
            overlay.Put(KeyLayout.Downgrade, Encoding.UTF8.GetBytes(request.Version));
        return null;
    }
}
