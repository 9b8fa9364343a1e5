using System.Text.Json;
using Raft.Consensus;
using Raft.Simulation.Tests.Timeline;

namespace Raft.Timeline.Tests;

/// <summary>What the recorder is told is what the page is given.</summary>
public sealed class RecorderTests
{
    private static readonly MemberId One = new(1);
    private static readonly MemberId Ten = new(10);

    [Fact]
    public void Every_call_becomes_one_event_in_the_order_of_the_calls()
    {
        var recorder = new TimelineRecorder(ulong.MaxValue, "three members");
        recorder.Lane(0, One);
        recorder.Lane(0, Ten);
        recorder.State(5, One, Role.Candidate, 2, 3, 9, 8, 7);
        recorder.Sent(5, 77, One, Ten, "VoteRequest", "term 2");
        recorder.Delivered(8, 77);
        recorder.Lost(9, 77, "torn");
        recorder.Down(10, Ten, "crash");
        recorder.Up(11, Ten);
        recorder.Fault(12, null, "partition");
        recorder.Note(13, One, "put");
        recorder.Violation(14, null, "one leader a term", "two");

        using var run = JsonDocument.Parse(recorder.ToJson());

        Assert.Equal("18446744073709551615", run.RootElement.GetProperty("seed").GetString());
        Assert.Equal("three members", run.RootElement.GetProperty("description").GetString());
        Assert.Equal(["1", "a"], Texts(run, "members"));
        Assert.Equal(
            ["VoteRequest", "term 2", "torn", "crash", "partition", "put", "one leader a term", "two"], Texts(run, "words"));
        Assert.Equal(
            [
                """["n",0,0]""", """["n",0,1]""", """["r",5,0,2,2,3,9,8,7]""", """["s",5,77,0,1,0,1]""", """["d",8,77]""",
                """["l",9,77,2]""", """["x",10,1,3]""", """["u",11,1]""", """["f",12,-1,4]""", """["o",13,0,5]""", """["v",14,-1,6,7]""",
            ],
            run.RootElement.GetProperty("events").EnumerateArray().Select(one => one.GetRawText()));
    }

    [Theory]
    [InlineData("</script><script>document.title = 'broken'</script>")]
    [InlineData("<!-- <script>")]
    [InlineData("quotes \" ' ` and \\ and \u2028 and \0")]
    [InlineData("{{script}}")]
    [InlineData("half a letter: \ud800")]
    public void A_hostile_text_stays_a_text(string hostile)
    {
        var recorder = new TimelineRecorder(1, hostile);
        recorder.Note(0, null, hostile);

        var html = recorder.ToHtml();

        const string Before = """<script type="application/json" id="run">""";
        var start = html.IndexOf(Before, StringComparison.Ordinal) + Before.Length;
        using var run = JsonDocument.Parse(html[start..html.IndexOf("</script>", start, StringComparison.Ordinal)]);
        Assert.Equal(hostile.Replace('\ud800', '\ufffd'), Texts(run, "words").Single());
        Assert.Equal(hostile.Replace('\ud800', '\ufffd'), run.RootElement.GetProperty("description").GetString());
        Assert.DoesNotContain("broken'</script>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_asks_for_nothing_from_outside()
    {
        var html = new TimelineRecorder(1, "").ToHtml();

        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("""(src|href)="(?!#)""", html);
        Assert.DoesNotContain("@import", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_is_written_into_a_folder_that_is_not_there_yet_and_replaces_an_older_one()
    {
        var folder = Directory.CreateTempSubdirectory("timeline-");
        try
        {
            var path = Path.Combine(folder.FullName, "sim", "seed-7.html");
            new TimelineRecorder(7, new string('x', 1000)).WriteHtml(path);
            var recorder = new TimelineRecorder(7, "newer");
            recorder.WriteHtml(path);

            Assert.Equal(recorder.ToHtml(), File.ReadAllText(path));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<string?> Texts(JsonDocument run, string property) =>
        run.RootElement.GetProperty(property).EnumerateArray().Select(word => word.GetString());
}
