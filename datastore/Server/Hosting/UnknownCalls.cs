using Grpc.Core;

namespace Raft.Server.Hosting;

/// <summary>
/// Refuses calls of methods that there are not. gRPC has routes with placeholders for that, and then every call pays for them: what
/// stands in their place in its path is cut out and kept before its own route is chosen.
/// </summary>
internal static class UnknownCalls
{
    public static Task RefuseAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint() is not null || context.Request.ContentType?.StartsWith(EarlyRefusal.ContentType, StringComparison.Ordinal) != true)
        {
            return next(context);
        }

        EarlyRefusal.Answer(context, StatusCode.Unimplemented, "Method is unimplemented.");
        return Task.CompletedTask;
    }
}
