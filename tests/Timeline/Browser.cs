using Microsoft.Playwright;
using Raft.Timeline.Tests;

[assembly: AssemblyFixture(typeof(Browser))]

namespace Raft.Timeline.Tests;

/// <summary>
/// One Chromium for all tests: the system's own, since Playwright's are downloads. The driver, with its node, comes in the
/// NuGet package.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("timeline-");
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Executable() });
    }

    /// <summary>Opens a run's page from a file, as a person would.</summary>
    internal async Task<OpenPage> OpenAsync(SyntheticRun run, string fragment = "", ColorScheme scheme = ColorScheme.Light)
    {
        var file = Path.Combine(_folder.FullName, $"{Guid.NewGuid():n}.html");
        run.Recorder.WriteHtml(file);
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 1400, Height = 900 },
            ColorScheme = scheme,
        });
        var page = await context.NewPageAsync();
        var open = new OpenPage(page);
        await page.GotoAsync(new Uri(file).AbsoluteUri + fragment);
        await page.WaitForFunctionAsync("() => window.timeline?.drawing.shown");
        return open;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Executable() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists)
        ?? throw new FileNotFoundException($"no browser on PATH: one of {string.Join(", ", Names)}");
}

/// <summary>A page that is open, and all that it complained of.</summary>
internal sealed class OpenPage : IAsyncDisposable
{
    private readonly List<string> _complaints = [];

    public OpenPage(IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                _complaints.Add(message.Text);
        };
        page.PageError += (_, error) => _complaints.Add(error);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("file:", StringComparison.Ordinal))
                _complaints.Add($"asks for {request.Url}");
        };
    }

    public IPage Page { get; }

    public IReadOnlyList<string> Complaints => _complaints;

    /// <summary>An expression over <c>timeline</c>, the page's own model.</summary>
    public Task<T> SeeAsync<T>(string expression) => Page.EvaluateAsync<T>(expression);

    public async Task ScreenshotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("TIMELINE_SCREENSHOTS") is { Length: > 0 } folder)
            await Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, $"{name}.png") });
    }

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();
}
