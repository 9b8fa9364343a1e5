using Raft.Server.Options;

namespace Raft.Server.Hosting;

/// <summary>How log lines look, from the first to the last: one line each, with the time in UTC, as text or JSON.</summary>
internal static class Logging
{
    private const string Time = "yyyy-MM-ddTHH:mm:ss.fffZ";

    public static void Configure(ILoggingBuilder logging, ServerOptions options)
    {
        if (options.LogAsJson)
        {
            logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat) = (true, Time));
        }
        else
        {
            logging.AddSimpleConsole(line => (line.SingleLine, line.UseUtcTimestamp, line.TimestampFormat) = (true, true, Time + " "));
        }

        logging.SetMinimumLevel(options.LogLevel)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error)
            .AddFilter("Grpc", LogLevel.Warning)

            // It has nothing to tell that counts, but while it might, every request gets an activity of its own.
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)

            // It calls an error what a client may do at any time: going away. What is one, CallErrors tells.
            .AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.None);
    }
}
