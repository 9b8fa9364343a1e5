using Raft.Fuzzing.Tests;

// With options of the fuzzer this is the fuzzer; otherwise the tests, with the runner that xunit would have generated.
if (FuzzCommand.TryParse(args, out var command))
    return command.Run();
return args.Any(argument => argument is "--server" or "--internal-msbuild-node")
    ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
