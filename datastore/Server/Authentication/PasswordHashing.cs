using System.Text;
using BCrypt.Net;
using Raft.Server.Options;
using Bcrypt = BCrypt.Net.BCrypt;

namespace Raft.Server.Authentication;

/// <summary>
/// bcrypt, as etcd stores passwords. It is slow on purpose (about 100 ms at the default cost), so only a few run at once, and the
/// others wait without a thread: whoever asks for many tokens must not take the processor from everybody else.
/// </summary>
internal sealed class PasswordHashing(ServerOptions options) : IDisposable
{
    /// <summary>Bytes that bcrypt takes into account; more are refused rather than ignored, as by etcd.</summary>
    private const int PasswordBytesMax = 72;

    private readonly SemaphoreSlim _places = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>The hash in the form in which etcd's requests carry it: bcrypt's text in base64. Null: the password is too long.</summary>
    public async Task<string?> HashAsync(string password, CancellationToken cancellation) =>
        Encoding.UTF8.GetByteCount(password) > PasswordBytesMax
            ? null
            : Convert.ToBase64String(Encoding.ASCII.GetBytes(
                await RunAsync(() => Bcrypt.HashPassword(password, options.BcryptCost), cancellation)));

    /// <summary>Is it the password? With an empty hash none is.</summary>
    public Task<bool> MatchesAsync(string password, ReadOnlyMemory<byte> hash, CancellationToken cancellation) =>
        RunAsync(() => Matches(password, Encoding.ASCII.GetString(hash.Span)), cancellation);

    public void Dispose() => _places.Dispose();

    private static bool Matches(string password, string hash)
    {
        try
        {
            return hash.Length > 0 && Bcrypt.Verify(password, hash);
        }
        catch (Exception error) when (error is SaltParseException or ArgumentException or FormatException)
        {
            return false;
        }
    }

    private async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        try
        {
            return await Task.Run(work, cancellation);
        }
        finally
        {
            _places.Release();
        }
    }
}
