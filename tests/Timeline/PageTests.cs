using Microsoft.Playwright;

namespace Raft.Timeline.Tests;

/// <summary>The page in a real browser, used as a person would: looking, scrolling, clicking, typing.</summary>
public sealed class PageTests(Browser browser)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task An_election_is_seen_at_once(ColorScheme scheme)
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story(), scheme: scheme);
        await open.ScreenshotAsync($"guide-{scheme}");
        await open.Page.GetByLabel("Close").ClickAsync();

        await open.Page.Keyboard.PressAsync("n");
        await open.ScreenshotAsync($"election-{scheme}");

        Assert.Equal(5, await open.SeeAsync<int>("timeline.visible().lanes"));
        Assert.Equal("CFLP", await open.SeeAsync<string>("timeline.visible().roles"));
        Assert.True(await open.SeeAsync<int>("timeline.visible().arrows") >= 16);
        Assert.Equal("member 2 is Candidate in term 1", await open.Page.Locator("#details h2").TextContentAsync());
        await Assertions.Expect(open.Page.Locator(".head b")).ToHaveTextAsync(["member 1", "member 2", "member 3", "member 4", "member 5"]);
        Assert.Empty(open.Complaints);
    }

    [Fact]
    public async Task Roles_and_arrows_are_painted_in_their_colours()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());
        await open.Page.Keyboard.PressAsync("n");

        foreach (var (role, name) in new[] { (1, "PreCandidate"), (2, "Candidate"), (3, "Leader") })
            Assert.True(await PaintedAsync(open, $"timeline.theme.roles[{role}]", "x - 7, y + 1"), name);
        Assert.True(await open.SeeAsync<bool>("""
            (() => {
              const { canvas, shapes, theme } = timeline.drawing;
              const shape = shapes.find(one => one.item.kind === 'VoteRequest' && one.arrives);
              const x = Math.round(shape.x2 - 4), y = Math.round(shape.y2 - (shape.y2 - shape.y1) * 4 / Math.abs(shape.x2 - shape.x1));
              const paper = canvas.getContext('2d').getImageData(1, 1, 1, 1).data.join();
              return canvas.getContext('2d').getImageData(x, y, 1, 1).data.join() !== paper;
            })()
            """));
    }

    [Fact]
    public async Task The_violation_is_one_key_away()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());
        var violation = await open.SeeAsync<double>("timeline.run.violations[0].at");
        Assert.True(await open.SeeAsync<double>("timeline.visible().to") < violation);
        await Assertions.Expect(open.Page.Locator("#outcome")).ToContainTextAsync("log matching");

        await open.Page.Keyboard.PressAsync("Escape");
        await open.Page.Keyboard.PressAsync("v");
        await open.ScreenshotAsync("violation");

        Assert.InRange(violation, await open.SeeAsync<double>("timeline.visible().from"), await open.SeeAsync<double>("timeline.visible().to"));
        await Assertions.Expect(open.Page.Locator("#details")).ToContainTextAsync("index 9 holds two entries of term 2");
        Assert.EndsWith($"#t={violation}&e={await open.SeeAsync<int>("timeline.run.violations[0].index")}", open.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_click_on_an_arrow_tells_what_it_said_and_what_came_of_it()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());
        await open.Page.Keyboard.PressAsync("n");

        await ClickAsync(open, "timeline.run.messages.find(message => message.kind === 'VoteRequest')");
        await open.ScreenshotAsync("message");

        var details = open.Page.Locator("#details");
        await Assertions.Expect(details.Locator("h2")).ToHaveTextAsync("VoteRequest 2 → 1");
        await Assertions.Expect(details).ToContainTextAsync("delivered");
        await Assertions.Expect(details).ToContainTextAsync("What came of it at member 1");
        await details.GetByRole(AriaRole.Button).Filter(new LocatorFilterOptions { HasText = "VoteResponse 1 → 2" }).ClickAsync();
        await Assertions.Expect(details.Locator("h2")).ToHaveTextAsync("VoteResponse 1 → 2");
        await Assertions.Expect(details).ToContainTextAsync("Sent on receiving");
    }

    [Fact]
    public async Task A_click_on_a_bar_or_a_sign_tells_about_it()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());
        var details = open.Page.Locator("#details");

        await open.SeeAsync<object>("timeline.goTo(timeline.run.victories[0].at)");
        await ClickAsync(open, "timeline.run.victories[0]");
        await Assertions.Expect(details).ToContainTextAsync("Candidate → Leader");

        await open.SeeAsync<object>("timeline.goTo(timeline.run.faults[1].at)");
        await ClickAsync(open, "timeline.run.faults[1]");
        await Assertions.Expect(details.Locator("h2")).ToHaveTextAsync("crash of 2");
        await open.ScreenshotAsync("crash");

        // Who starts for the first time has not come back.
        Assert.Equal(1, await open.SeeAsync<int>("timeline.run.sides.filter(item => item.type === 'up').length"));
    }

    [Fact]
    public async Task A_search_finds_all_and_walks_through_them()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());

        await open.Page.Keyboard.PressAsync("/");
        await open.Page.Keyboard.TypeAsync("lost by the network");
        await Assertions.Expect(open.Page.Locator("#found")).ToHaveTextAsync("4");
        await open.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(open.Page.Locator("#found")).ToHaveTextAsync("1 / 4");
        await open.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(open.Page.Locator("#found")).ToHaveTextAsync("2 / 4");
        await open.Page.Keyboard.PressAsync("Shift+Enter");
        await Assertions.Expect(open.Page.Locator("#found")).ToHaveTextAsync("1 / 4");
        await Assertions.Expect(open.Page.Locator("#details")).ToContainTextAsync("lost by the network");
        Assert.True(await open.SeeAsync<int>("timeline.visible().lost") > 0);

        await open.Page.Locator("#query").FillAsync("no such thing");
        await Assertions.Expect(open.Page.Locator("#found")).ToHaveTextAsync("0");
    }

    [Fact]
    public async Task What_is_filtered_away_is_neither_drawn_nor_found()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());
        await open.Page.Keyboard.PressAsync("n");
        var before = await open.SeeAsync<int>("timeline.visible().arrows");

        await open.Page.Locator("#filter").ClickAsync();
        await open.Page.GetByLabel("VoteRequest", new PageGetByLabelOptions { Exact = false }).Last.UncheckAsync();
        await open.Page.GetByLabel("member 5").UncheckAsync();

        Assert.True(await open.SeeAsync<int>("timeline.visible().arrows") < before);
        Assert.Equal(4, await open.SeeAsync<int>("timeline.visible().lanes"));
        Assert.Equal(0, await open.SeeAsync<int>("timeline.find('member 5 heartbeat')"));
    }

    [Fact]
    public async Task An_address_leads_to_its_moment()
    {
        var run = SyntheticRun.Story();
        await using var open = await browser.OpenAsync(run, $"#t={run.Now}");

        Assert.InRange(run.Now, await open.SeeAsync<double>("timeline.visible().from"), await open.SeeAsync<double>("timeline.visible().to"));
    }

    [Fact]
    public async Task A_minute_of_silence_is_folded()
    {
        await using var open = await browser.OpenAsync(SyntheticRun.Story());
        await open.SeeAsync<object>("timeline.nextViolation()");

        Assert.True(await open.SeeAsync<int>("timeline.visible().folds") > 0);
        Assert.True(await open.SeeAsync<double>("timeline.visible().to - timeline.visible().from") > 60_000);
    }

    [Fact]
    public async Task A_hostile_text_is_shown_and_not_obeyed()
    {
        const string Hostile = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>";
        await using var open = await browser.OpenAsync(SyntheticRun.Story(Hostile));

        await open.SeeAsync<object>("timeline.choose(timeline.run.items.find(item => item.text?.includes('broken')), true)");

        Assert.Equal(Hostile, await open.Page.Locator("#details h2").TextContentAsync());
        Assert.True(await open.SeeAsync<bool>("window.broken === undefined"));
        Assert.Empty(open.Complaints);
    }

    [Fact]
    public async Task A_hundred_thousand_events_open_scroll_zoom_and_are_searched()
    {
        var run = SyntheticRun.Long(100_000);
        await using var open = await browser.OpenAsync(run);
        await open.Page.Keyboard.PressAsync("Escape");
        Assert.True(await open.SeeAsync<int>("timeline.visible().arrows") < 2_500);

        for (var part = 1; part < 10; part++)
        {
            var seen = await open.SeeAsync<double[]>($$"""
                (() => { timeline.scroller.scrollTop = timeline.scale.length * {{part}} / 10; timeline.draw();
                         const seen = timeline.visible(); return [seen.from, seen.arrows, seen.lanes]; })()
                """);
            Assert.InRange(seen[0], 1, run.Now);
            Assert.True(seen[1] > 0, $"no arrow at part {part}");
            Assert.Equal(5, seen[2]);
        }

        await open.ScreenshotAsync("long");
        await open.Page.Keyboard.PressAsync("0");
        Assert.True(await open.SeeAsync<double>("timeline.visible().to - timeline.visible().from") > run.Now * 0.9);
        await open.ScreenshotAsync("long-whole");
        await open.Page.Keyboard.PressAsync("v");
        Assert.True(await open.SeeAsync<int>("timeline.find('lost')") > 50);
        Assert.Empty(open.Complaints);
    }

    private static async Task ClickAsync(OpenPage open, string item)
    {
        var place = await open.SeeAsync<float[]>($"(() => {{ const at = timeline.placeOf({item}); return [at.x, at.y]; }})()");
        await open.Page.Locator("#canvas").ClickAsync(new LocatorClickOptions { Position = new Position { X = place[0], Y = place[1] } });
    }

    // Whether anywhere in view the bar of some lane has this colour: `where` is a place beside the start of a state.
    private static Task<bool> PaintedAsync(OpenPage open, string colour, string where) => open.SeeAsync<bool>($$"""
        (() => {
          const { run, drawing } = timeline, context = drawing.canvas.getContext('2d');
          const probe = new OffscreenCanvas(1, 1).getContext('2d');
          probe.fillStyle = {{colour}};
          probe.fillRect(0, 0, 1, 1);
          const wanted = probe.getImageData(0, 0, 1, 1).data.join();
          return run.states.flat().some(state => {
            const x = drawing.lanes[state.member], y = Math.ceil(drawing.y(state.at));
            return y > 0 && y < drawing.height && context.getImageData({{where}}, 1, 1).data.join() === wanted;
          });
        })()
        """);
}
