namespace Raft.Benchmarks.Loads;

/// <summary>The keys and values that all loads share.</summary>
internal static class KeySpace
{
    /// <summary>Keys that exist before anything is measured, unless others are asked for.</summary>
    public const int DefaultKeys = 100_000;

    public const int ValueBytes = 256;

    public const string Prefix = "bench/";

    public const int Digits = 10;

    public static string Name(long number) => $"{Prefix}{number:0000000000}";

    /// <summary>Bytes that do not compress, the same for the same seed.</summary>
    public static byte[] NewValue(int seed)
    {
        var value = new byte[ValueBytes];
#pragma warning disable CA5394 // Nothing here is secret.
        new Random(seed).NextBytes(value);
#pragma warning restore CA5394
        return value;
    }
}
