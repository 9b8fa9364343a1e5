using Raft.Differential.Tests;

// With options of the comparison this is the comparison; otherwise the tests, with the runner that xunit would have generated.
if (DifferentialCommand.TryParse(args, out var command))
    return await command.RunAsync();
return args.Any(argument => argument is "--server" or "--internal-msbuild-node")
    ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
