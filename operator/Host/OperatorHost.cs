using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Operator;
using KubeOps.Operator.LeaderElection;
using KubeOps.Operator.Metrics;
using KubeOps.Operator.Watching;
using OpenTelemetry.Metrics;
using Raft.Operator.Api;
using Raft.Operator.Effects;
using Raft.Operator.Host.Controllers;
using Raft.Operator.Host.Endpoints;
using Raft.Operator.Host.Options;
using Raft.Operator.Planning;

namespace Raft.Operator.Host;

/// <summary>Puts the operator together.</summary>
public static class OperatorHost
{
    /// <summary>Name of the operator: in its lease, its events, and the fields that it manages.</summary>
    public const string Name = "raft-operator";

    /// <summary>The operator, ready to be run. <paramref name="kubernetes"/> replaces the client of the surroundings.</summary>
    public static WebApplication Build(OperatorOptions options, IKubernetes? kubernetes = null)
    {
        // All settings are the options'. Watching for the framework's own files would watch everything below the working directory.
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        AddLogging(builder.Logging, options);
        builder.WebHost.UseUrls(options.Listen.ToString());
        // A reconciliation under way is cut short at once; the lease is given back after it.
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(hosting => hosting.ShutdownTimeout = TimeSpan.FromSeconds(20));
        if (kubernetes is not null) builder.Services.AddSingleton(kubernetes);
        AddOperator(builder.Services, options);
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(OperatorMetrics.MeterName, "System.Runtime", "System.Net.Http")
            .AddPrometheusExporter());

        var application = builder.Build();
        application.MapHealth(application.Services.GetRequiredService<OperatorService>());
        application.MapPrometheusScrapingEndpoint("/metrics");
        return application;
    }

    private static void AddOperator(IServiceCollection services, OperatorOptions options)
    {
        services.AddSingleton(new ResyncPeriod(options.Resync));
        services.AddSingleton(new LeaseIdentity(options.LeaseNamespace, Name, options.Identity));
        services.AddClusterEffects();
        services.AddSingleton<ClusterEvents>();
        services.AddSingleton<VolumeGuard>();
        services
            .AddKubernetesOperator(settings =>
            {
                settings.Name = Name;
                settings.Namespace = options.Namespace;
                settings.LeaderElectionType = options.LeaderElection ? LeaderElectionType.Single : LeaderElectionType.None;
                settings.ParallelReconciliation.MaxParallelReconciliations = options.Parallel;
                // VolumeGuard knows when the finalizer is needed.
                settings.AutoAttachFinalizers = false;
            })
            .AddController<RaftClusterController, RaftCluster>()
            .AddFinalizer<RaftClusterFinalizer, RaftCluster>(RaftClusterFinalizer.Identifier)
            .WatchLabelled<RaftCluster, V1StatefulSet>(Labels.Cluster)
            .WatchLabelled<RaftCluster, V1Pod>(Labels.Cluster)
            .WatchLabelled<RaftCluster, V1PersistentVolumeClaim>(Labels.Cluster)
            .WatchLabelled<RaftCluster, V1Service>(Labels.Cluster)
            .WatchLabelled<RaftCluster, V1ServiceAccount>(Labels.Cluster)
            .WatchLabelled<RaftCluster, V1Secret>(Labels.Cluster)
            .WatchLabelled<RaftCluster, V1PodDisruptionBudget>(Labels.Cluster, "v1beta1");
    }

    private static void AddLogging(ILoggingBuilder logging, OperatorOptions options)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(options.LogLevel);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        if (options.LogJson)
            logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        else
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
    }
}
