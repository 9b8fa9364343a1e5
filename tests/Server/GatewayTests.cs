using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Raft.Server.Tests;

/// <summary>The API as JSON over HTTP, in the shapes that etcd's gateway gives.</summary>
public sealed class GatewayTests
{
    private static readonly HttpClient Http = new();

    [Fact]
    public async Task Every_kind_of_request_is_answered_in_etcds_json()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var url = cluster.Endpoints;

        Same("""{"header":{"revision":"2"}}""", await PostAsync(url, "kv/put", """{"key":"Zm9v","value":"YmFy"}"""));
        Same(
            """{"header":{"revision":"2"},"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"2","version":"1","value":"YmFy"}],"count":"1"}""",
            await PostAsync(url, "kv/range", """{"key":"Zm9v"}"""));
        Same(
            """{"header":{"revision":"3"},"succeeded":true,"responses":[{"response_put":{"header":{"revision":"3"}}}]}""",
            await PostAsync(url, "kv/txn",
                """{"compare":[{"key":"Zm9v","target":"CREATE","create_revision":"2"}],"success":[{"request_put":{"key":"Zm9v","value":"MQ=="}}]}"""));

        // A number that is too long for a floating-point one stays what it is.
        Same("""{"header":{"revision":"3"},"ID":"7587848390080962827","TTL":"100"}""",
            await PostAsync(url, "lease/grant", """{"TTL":100,"ID":7587848390080962827}"""));
        Same("""{"header":{"revision":"3"},"leases":[{"ID":"7587848390080962827"}]}""", await PostAsync(url, "lease/leases", ""));
        Same("""{"header":{"revision":"4"},"key":"bXkvNjk0ZDczZTg5YzRiYTEwYg=="}""",
            await PostAsync(url, "lock/lock", """{"name":"bXk=","lease":"7587848390080962827"}"""));
        Same(
            """{"header":{"revision":"4"},"kv":{"key":"bXkvNjk0ZDczZTg5YzRiYTEwYg==","create_revision":"4","mod_revision":"4","version":"1","lease":"7587848390080962827"}}""",
            await PostAsync(url, "election/leader", """{"name":"bXk="}"""));
        Same("""{"header":{"revision":"4"},"version":"3.5.0"}""", await PostAsync(url, "maintenance/downgrade", """{"action":"VALIDATE","version":"3.4"}"""));
        Assert.Equal("3.5.0", (await PostAsync(url, "maintenance/status", "{}")).Answer["storageVersion"]!.GetValue<string>());
    }

    /// <summary>It asks for no certificate, so that probes can read it.</summary>
    [Fact]
    public async Task The_port_for_metrics_shows_how_the_member_is_and_nothing_of_its_data()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var url = cluster.Members[0].MetricsUrl;
        foreach (var path in new[] { "/metrics", "/health", "/livez", "/readyz", "/version" })
        {
            Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(url + path)).StatusCode);
        }

        foreach (var path in new[] { "kv/put", "kv/range", "maintenance/snapshot", "maintenance/alarm", "watch", "auth/enable" })
        {
            using var body = new StringContent("""{"key":"YQ=="}""", Encoding.UTF8, "application/json");
            Assert.Equal(HttpStatusCode.NotFound, (await Http.PostAsync($"{url}/v3/{path}", body)).StatusCode);
        }

        Assert.Null((await PostAsync(cluster.Endpoints, "kv/range", """{"key":"YQ=="}""")).Answer["kvs"]);
    }

    /// <summary>Liveness probes ask with both parameters: a member without a quorum, or a full one, must not be killed for it.</summary>
    [Fact]
    public async Task Health_tells_of_alarms_and_of_the_leader_unless_it_is_told_to_pass_over_them()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var member = cluster.Members[0];
        await PostAsync(member.ClientUrl, "maintenance/alarm", """{"action":"ACTIVATE","memberID":"7","alarm":"NOSPACE"}""");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "ALARM NOSPACE"), await HealthAsync(member, ""));
        Assert.Equal((HttpStatusCode.OK, ""), await HealthAsync(member, "?exclude=NOSPACE"));

        await Task.WhenAll(cluster.Members.Skip(1).Select(other => other.Process!.TerminateAsync()));
        await LocalCluster.UntilAsync("there is no leader", member, async () =>
            await HealthAsync(member, "?exclude=NOSPACE") == (HttpStatusCode.ServiceUnavailable, "RAFT NO LEADER"));
        Assert.Equal((HttpStatusCode.OK, ""), await HealthAsync(member, "?exclude=NOSPACE&serializable=true"));

        static async Task<(HttpStatusCode, string)> HealthAsync(LocalMember member, string parameters)
        {
            using var answer = await Http.GetAsync(member.MetricsUrl + "/health" + parameters);
            return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["reason"]!.GetValue<string>());
        }
    }

    /// <summary>What a probe restarts a member for must be the member's own failure.</summary>
    [Fact]
    public async Task Checks_of_health_tell_which_one_failed_and_can_be_left_out()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var member = cluster.Members[0];
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await CheckAsync(member, "readyz"));
        Assert.Equal(
            (HttpStatusCode.OK, "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\nok\n"), await CheckAsync(member, "readyz?verbose"));

        await PostAsync(member.ClientUrl, "maintenance/alarm", """{"action":"ACTIVATE","memberID":"7","alarm":"CORRUPT"}""");
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "[-]data_corruption failed: alarm activated: CORRUPT\n\n"), await CheckAsync(member, "readyz/data_corruption"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await CheckAsync(member, "readyz")).Status);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await CheckAsync(member, "readyz?exclude=data_corruption"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await CheckAsync(member, "readyz/follows_leader"));

        await Task.WhenAll(cluster.Members.Skip(1).Select(other => other.Process!.TerminateAsync()));
        await LocalCluster.UntilAsync("there is no leader", member, async () => await CheckAsync(member, "readyz/linearizable_read")
            == (HttpStatusCode.ServiceUnavailable, "[-]linearizable_read failed: etcdserver: no leader\n\n"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await CheckAsync(member, "readyz?exclude=data_corruption&exclude=linearizable_read"));
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "[-]follows_leader failed: RAFT NO LEADER\n\n"), await CheckAsync(member, "readyz/follows_leader"));
        Assert.Equal((HttpStatusCode.OK, "[+]serializable_read ok\nok\n"), await CheckAsync(member, "livez?verbose"));

        static async Task<(HttpStatusCode Status, string Text)> CheckAsync(LocalMember member, string page)
        {
            using var answer = await Http.GetAsync($"{member.MetricsUrl}/{page}");
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    /// <summary>The story: a learner was never ready, and the operator promotes none that is not.</summary>
    [Fact]
    public async Task A_learner_that_has_caught_up_is_ready()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var learner = cluster.Add("b");
        var added = await PostAsync(cluster.Members[0].ClientUrl, "cluster/member/add", $$"""{"peerURLs":["{{learner.PeerUrl}}"],"isLearner":true}""");
        Assert.Equal(HttpStatusCode.OK, added.Status);
        cluster.Start(learner, "existing");
        await LocalCluster.UntilAsync("it is a learner", learner, async () =>
            (await PostAsync(learner.ClientUrl, "maintenance/status", "{}")).Answer["isLearner"]?.GetValue<bool>() == true);
        await cluster.UntilReadyAsync(learner);
        using var answer = await Http.GetAsync(learner.MetricsUrl + "/readyz/linearizable_read");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_refusal_has_etcds_text_and_the_status_that_goes_with_its_code()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        foreach (var (path, body, status, code, message) in new (string, string, HttpStatusCode, int, string?)[]
        {
            ("kv/range", "{}", HttpStatusCode.BadRequest, 3, "etcdserver: key is not provided"),
            ("lease/revoke", """{"ID":"5"}""", HttpStatusCode.NotFound, 5, "etcdserver: requested lease not found"),
            ("kv/range", """{"key":"YQ==","revision":99}""", HttpStatusCode.BadRequest, 11, "etcdserver: mvcc: required revision is a future revision"),
            ("kv/put", """{"ky":"YQ=="}""", HttpStatusCode.BadRequest, 3, null),
            ("kv/put", "{", HttpStatusCode.BadRequest, 3, null),
            ("kv/put", """{"key":7}""", HttpStatusCode.BadRequest, 3, null),
        })
        {
            var (answered, answer) = await PostAsync(cluster.Endpoints, path, body);
            Assert.Equal((status, code), (answered, answer["code"]!.GetValue<int>()));
            Assert.Equal(message ?? answer["error"]!.GetValue<string>(), answer["message"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task A_watch_answers_with_a_line_for_each_message_as_it_comes()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        await PostAsync(cluster.Endpoints, "kv/put", """{"key":"Zm9v","value":"MQ=="}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{cluster.Endpoints}/v3/watch");
        request.Content = new StringContent("""{"create_request":{"key":"Zm9v","start_revision":"2"}}""");
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        Assert.True((await NextAsync())["created"]!.GetValue<bool>());
        Assert.Equal("MQ==", (await NextAsync())["events"]![0]!["kv"]!["value"]!.GetValue<string>());
        await PostAsync(cluster.Endpoints, "kv/deleterange", """{"key":"Zm9v"}""");
        Assert.Equal("DELETE", (await NextAsync())["events"]![0]!["type"]!.GetValue<string>());

        async Task<JsonNode> NextAsync() =>
            JsonNode.Parse((await lines.ReadLineAsync(TestContext.Current.CancellationToken))!)!["result"]!;
    }

    [Fact]
    public async Task A_stream_of_requests_ends_with_the_first_that_is_none()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{cluster.Endpoints}/v3/watch");
        request.Content = new StringContent("""{"create_request":{"key":"Zm9v"}}{"create_request":{"key":7}}""");
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var lines = (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd().Split('\n');
        Assert.Equal(3, JsonNode.Parse(lines[^1])!["error"]!["grpc_code"]!.GetValue<int>());
    }

    private static async Task<(HttpStatusCode Status, JsonNode Answer)> PostAsync(string url, string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await Http.PostAsync($"{url}/v3/{path}", content, TestContext.Current.CancellationToken);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!);
    }

    /// <summary>But for the parts of the header that are the member's own.</summary>
    private static void Same(string expected, (HttpStatusCode Status, JsonNode Answer) answered)
    {
        Assert.Equal(HttpStatusCode.OK, answered.Status);
        var header = answered.Answer["header"]!.AsObject();
        foreach (var own in new[] { "cluster_id", "member_id", "raft_term" })
        {
            Assert.True(header.Remove(own));
        }

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), answered.Answer), answered.Answer.ToJsonString());
    }
}
