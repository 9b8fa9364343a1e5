using Raft.Robustness.Tests;

// With --minutes or --seed this is the suite for as long as one likes; otherwise the tests, with the runner that xunit would have generated.
if (RobustnessCommand.TryParse(args, out var command))
    return await command.RunAsync();
return args.Any(argument => argument is "--server" or "--internal-msbuild-node")
    ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
