using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;
using KubeOps.Operator.Caching;
using KubeOps.Operator.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Raft.Operator.Host.Tests.Kubernetes;

namespace Raft.Operator.Host.Tests;

/// <summary>The informer against a real API server whose watches are cut.</summary>
public sealed class InformerTests(ApiServer server) : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _told = new();
    private readonly WatchCutter _cutter = new();
    private readonly CancellationTokenSource _stop = new();
    private string _namespace = null!;
    private ServiceProvider _services = null!;
    private KubernetesClient _client = null!;
    private Task _running = Task.CompletedTask;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _namespace = await server.NewNamespaceAsync();
        _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        _client = new KubernetesClient(server.NewAdminClient(_cutter));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
        }

        _client.Dispose();
        await _services.DisposeAsync();
        _stop.Dispose();
        _cutter.Dispose();
    }

    [Fact]
    public async Task A_list_of_many_pages_is_whole()
    {
        await Parallel.ForAsync(0, 1203, TestContext.Current.CancellationToken, async (number, stop) =>
            await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(Named($"page-{number}"), _namespace, cancellationToken: stop));
        var names = (await _client.ListAsync<V1ConfigMap>(_namespace, cancellationToken: Stop)).Select(map => map.Metadata.Name).Where(name => name.StartsWith("page-", StringComparison.Ordinal)).ToHashSet();
        Assert.Equal(1203, names.Count);
    }

    [Fact]
    public async Task Changes_are_told_as_they_happen()
    {
        var informer = Start();
        await informer.Listed;
        await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(Named("a"), _namespace, cancellationToken: Stop);
        await ToldAsync("+a");
        await server.Admin.CoreV1.PatchNamespacedConfigMapAsync(
            new V1Patch("""{"data":{"x":"y"}}""", V1Patch.PatchType.MergePatch), "a", _namespace, cancellationToken: Stop);
        await ToldAsync("~a");
        await server.Admin.CoreV1.DeleteNamespacedConfigMapAsync("a", _namespace, cancellationToken: Stop);
        await ToldAsync("-a");
    }

    [Fact]
    public async Task What_was_deleted_while_no_watch_stood_is_told_after_a_410()
    {
        await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(Named("deleted"), _namespace, cancellationToken: Stop);
        await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(Named("replaced"), _namespace, cancellationToken: Stop);
        var informer = Start();
        await ToldAsync("+replaced");

        _cutter.Cut(HttpStatusCode.ServiceUnavailable);
        await server.Admin.CoreV1.DeleteNamespacedConfigMapAsync("deleted", _namespace, cancellationToken: Stop);
        await server.Admin.CoreV1.DeleteNamespacedConfigMapAsync("replaced", _namespace, cancellationToken: Stop);
        await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(Named("replaced"), _namespace, cancellationToken: Stop);
        Assert.DoesNotContain("-deleted", _told);
        _cutter.Cut(HttpStatusCode.Gone);
        await ToldAsync("-deleted");
        await ToldAsync("-replaced");
        Assert.Null(informer.Store.Get(new(_namespace, "deleted")));

        await server.Admin.CoreV1.CreateNamespacedConfigMapAsync(Named("later"), _namespace, cancellationToken: Stop);
        await ToldAsync("+later");
    }

    private Informer<V1ConfigMap> Start()
    {
        var informer = new Informer<V1ConfigMap>(
            _client,
            _ => new ValueTask<ListScope>(new ListScope(ResourcePath.Of<V1ConfigMap>(), _namespace)),
            [],
            new Impatience(),
            new OperatorMetrics(_services.GetRequiredService<IMeterFactory>()),
            NullLogger<Informer<V1ConfigMap>>.Instance);
        informer.Changed += change => _told.Enqueue((change.Before, change.After) switch
        {
            (null, { } added) => $"+{added.Metadata.Name}",
            ({ } gone, null) => $"-{gone.Metadata.Name}",
            _ => $"~{change.Last.Metadata.Name}",
        });
        _running = informer.RunAsync(_stop.Token);
        return informer;
    }

    private Task ToldAsync(string change) => Until.TrueAsync($"{change} is told", () => Task.FromResult(_told.Contains(change)));

    private static V1ConfigMap Named(string name) => new() { Metadata = new V1ObjectMeta { Name = name } };

    /// <summary>Pauses after failures are short, however many there were.</summary>
    private sealed class Impatience : TimeProvider
    {
        private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(50);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > Longest ? Longest : dueTime, period);
    }

    /// <summary>
    /// Ends the watches under way, and answers new ones with an error: with 410 once; with others until told otherwise, and
    /// lists as well, with which an informer would find out by itself.
    /// </summary>
    private sealed class WatchCutter : DelegatingHandler
    {
        private CancellationTokenSource _watches = new();
        private HttpStatusCode? _answer;

        public void Cut(HttpStatusCode answer)
        {
            _answer = answer;
            Interlocked.Exchange(ref _watches, new CancellationTokenSource()).Cancel();
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var isWatch = request.RequestUri!.Query.Contains("watch=true", StringComparison.Ordinal);
            // Before the answer is looked at: a watch that is on its way while the others are cut is cut as well.
            var cut = Volatile.Read(ref _watches).Token;
            if (_answer is { } refusal && (isWatch || refusal != HttpStatusCode.Gone))
            {
                // A version that is gone is told once: the list after it gives a new one.
                if (refusal == HttpStatusCode.Gone) _answer = null;
                return new HttpResponseMessage(refusal) { Content = new StringContent("{}") };
            }

            var response = await base.SendAsync(request, cancellationToken);
            if (!isWatch) return response;
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            cut.Register(stream.Dispose);
            return response;
        }

        protected override void Dispose(bool disposing)
        {
            _watches.Dispose();
            base.Dispose(disposing);
        }
    }
}
