using k8s;
using KubeOps.Abstractions.Builder;
using KubeOps.Abstractions.Events;
using KubeOps.KubernetesClient;
using KubeOps.Operator.Events;
using KubeOps.Operator.LeaderElection;
using KubeOps.Operator.Metrics;
using KubeOps.Operator.Watching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace KubeOps.Operator;

/// <summary>Adds an operator to a host.</summary>
public static class ServiceCollectionExtensions
{
    /// <summary>Adds the runtime; controllers and finalizers are added to what this returns.</summary>
    public static IOperatorBuilder AddKubernetesOperator(this IServiceCollection services, Action<OperatorSettingsBuilder>? configure = null)
    {
        var settingsBuilder = new OperatorSettingsBuilder();
        configure?.Invoke(settingsBuilder);
        var settings = settingsBuilder.Build();
        services.AddMetrics();
        services.AddSingleton(settings);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IKubernetes>(_ => new Kubernetes(KubernetesClientConfiguration.BuildDefaultConfig()));
        services.TryAddSingleton(provider => new KubernetesClient.KubernetesClient(provider.GetRequiredService<IKubernetes>(), settings.Name));
        services.TryAddSingleton<IKubernetesClient>(provider => provider.GetRequiredService<KubernetesClient.KubernetesClient>());
        services.TryAddSingleton(new ResyncPeriod(TimeSpan.FromMinutes(10)));
        services.TryAddSingleton(_ => new LeaseIdentity(
            KubernetesClientConfiguration.BuildDefaultConfig().Namespace ?? "default",
            $"{settings.Name}-leader",
            $"{Environment.MachineName}_{Guid.NewGuid():N}"));
        services.AddSingleton<OperatorMetrics>();
        services.AddSingleton<Leadership>();
        services.AddSingleton<EventRecorder>();
        services.AddSingleton<EventPublisher>(provider => provider.GetRequiredService<EventRecorder>().PublishAsync);
        services.AddSingleton<OperatorService>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<OperatorService>());
        return new OperatorBuilder(services, settings);
    }
}
