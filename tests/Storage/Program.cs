using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Raft.Storage.Tests;

/// <summary>The entry point that xunit would generate, after a look at whether this process is a victim of the crash tests.</summary>
internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        CrashTests.BecomeTheVictimIfToldTo();
        return args.Any(arg => arg is "--server" or "--internal-msbuild-node")
            ? TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : ConsoleRunner.Run(args);
    }
}
