using Microsoft.Extensions.DependencyInjection;
using Raft.Operator.Effects.Certificates;
using Raft.Operator.Effects.Kubernetes;
using Raft.Operator.Effects.Members;

namespace Raft.Operator.Effects;

/// <summary>Puts the effects together.</summary>
public static class ServiceRegistration
{
    /// <summary>Adds observer, executor and status writer. IKubernetesClient must be there already.</summary>
    public static IServiceCollection AddClusterEffects(this IServiceCollection services) => services
        .AddSingleton(TimeProvider.System)
        .AddSingleton<MemberClients>()
        .AddSingleton<MemberObserver>()
        .AddSingleton<MembershipExecutor>()
        .AddSingleton<ServerFeatures>()
        .AddSingleton<Applier>()
        .AddSingleton<IdentityLatch>()
        .AddSingleton<CertificateIssuer>()
        .AddSingleton<ClusterObserver>()
        .AddSingleton<IClusterObserver>(provider => provider.GetRequiredService<ClusterObserver>())
        .AddSingleton<IStepExecutor, StepExecutor>()
        .AddSingleton<IStatusWriter, StatusWriter>();
}
