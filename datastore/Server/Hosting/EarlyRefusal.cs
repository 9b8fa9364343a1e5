using System.Globalization;
using Grpc.Core;

namespace Raft.Server.Hosting;

/// <summary>Refuses a call before gRPC sees it: a response without messages, whose status is among the headers.</summary>
internal static class EarlyRefusal
{
    public const string ContentType = "application/grpc";

    /// <param name="context">The call.</param>
    /// <param name="status">The code.</param>
    /// <param name="message">Plain ASCII without a percent sign, which gRPC encodes what else there is with.</param>
    public static void Answer(HttpContext context, StatusCode status, string message)
    {
        context.Response.ContentType = ContentType;
        context.Response.Headers["grpc-status"] = ((int)status).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = message;
    }
}
