using System.Runtime.InteropServices;

namespace Raft.Benchmarks.Http2;

/// <summary>What is used of nghttp2, the C library that keeps an HTTP/2 session: functions that all its versions have.</summary>
internal static unsafe partial class Nghttp2
{
    public const byte PointersStayValid = 0x02 | 0x04;
    public const uint DataIsComplete = 0x01;
    public const uint StreamStaysOpen = 0x02;
    public const int CallbackFailed = -902;
    public const int SettingEnablePush = 2;
    public const int SettingInitialWindowSize = 4;

    private const string Library = "libnghttp2.so.14";

    [LibraryImport(Library, EntryPoint = "nghttp2_session_callbacks_new")]
    public static partial int NewCallbacks(out nint callbacks);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_callbacks_set_on_header_callback")]
    public static partial void SetOnHeader(
        nint callbacks, delegate* unmanaged[Cdecl]<nint, FrameHeader*, byte*, nuint, byte*, nuint, byte, nint, int> callback);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_callbacks_set_on_data_chunk_recv_callback")]
    public static partial void SetOnData(nint callbacks, delegate* unmanaged[Cdecl]<nint, byte, int, byte*, nuint, nint, int> callback);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_callbacks_set_on_stream_close_callback")]
    public static partial void SetOnStreamClosed(nint callbacks, delegate* unmanaged[Cdecl]<nint, int, uint, nint, int> callback);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_client_new")]
    public static partial int NewClient(out nint session, nint callbacks, nint userData);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_del")]
    public static partial void DeleteSession(nint session);

    [LibraryImport(Library, EntryPoint = "nghttp2_submit_settings")]
    public static partial int SubmitSettings(nint session, byte flags, Setting* settings, nuint count);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_set_local_window_size")]
    public static partial int SetLocalWindow(nint session, byte flags, int stream, int bytes);

    /// <returns>The stream's number, or an error below 0.</returns>
    [LibraryImport(Library, EntryPoint = "nghttp2_submit_request")]
    public static partial int SubmitRequest(
        nint session, nint priority, Header* headers, nuint headerCount, DataProvider* data, nint streamUserData);

    [LibraryImport(Library, EntryPoint = "nghttp2_session_get_stream_user_data")]
    public static partial nint StreamUserData(nint session, int stream);

    /// <returns>0 once the other side has said that it goes away.</returns>
    [LibraryImport(Library, EntryPoint = "nghttp2_session_check_request_allowed")]
    public static partial int IsRequestAllowed(nint session);

    /// <returns>Bytes taken, or an error below 0.</returns>
    [LibraryImport(Library, EntryPoint = "nghttp2_session_mem_recv")]
    public static partial nint Receive(nint session, byte* bytes, nuint length);

    /// <returns>How much is to be sent next, at most a frame; 0 when there is nothing.</returns>
    [LibraryImport(Library, EntryPoint = "nghttp2_session_mem_send")]
    public static partial nint Send(nint session, out byte* bytes);

    [StructLayout(LayoutKind.Sequential)]
    public struct FrameHeader
    {
        public nuint Length;
        public int Stream;
        public byte Type;
        public byte Flags;
        public byte Reserved;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Header
    {
        public byte* Name;
        public byte* Value;
        public nuint NameLength;
        public nuint ValueLength;
        public byte Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct DataProvider
    {
        public nint Source;
        public delegate* unmanaged[Cdecl]<nint, int, byte*, nuint, uint*, nint*, nint, nint> Read;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Setting
    {
        public int Id;
        public uint Value;
    }
}
