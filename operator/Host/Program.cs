using Raft.Operator.Host;
using Raft.Operator.Host.Options;

return await CommandLine.RunAsync(
    args,
    async (options, cancellationToken) =>
    {
        await using var application = OperatorHost.Build(options);
        await application.RunAsync(cancellationToken);
        return Environment.ExitCode;
    },
    GeneratedFiles.Write);
