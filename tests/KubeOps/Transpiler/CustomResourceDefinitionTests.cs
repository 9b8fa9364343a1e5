using System.Text.Json.Nodes;
using k8s.Models;
using KubeOps.Abstractions.Entities;
using KubeOps.Abstractions.Entities.Attributes;
using KubeOps.Transpiler;

namespace Raft.Operator.KubeOps.Tests.Transpiler;

public sealed class CustomResourceDefinitionTests
{
    private static readonly JsonObject Definition = CustomResourceDefinition.Of(typeof(Boat));
    private static readonly JsonNode Version = Definition["spec"]!["versions"]![0]!;
    private static readonly JsonNode Schema = Version["schema"]!["openAPIV3Schema"]!;
    private static readonly JsonNode Spec = Schema["properties"]!["spec"]!["properties"]!;

    [Theory]
    [InlineData("name", """{"type":"string","minLength":1,"pattern":"^[a-z]+$","description":"What it is called."}""")]
    [InlineData("oars", """{"type":"integer","format":"int32","minimum":1,"maximum":8,"default":2}""")]
    [InlineData("weight", """{"type":"number","format":"double","minimum":0.5,"exclusiveMinimum":true}""")]
    [InlineData("built", """{"type":"string","format":"date-time"}""")]
    [InlineData("colour", """{"type":"string","enum":["red","blue"]}""")]
    [InlineData("crew", """{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"}""")]
    [InlineData("tags", """{"type":"object","additionalProperties":{"type":"string"}}""")]
    [InlineData("port", """{"x-kubernetes-int-or-string":true}""")]
    [InlineData("sail", """{"type":"object","properties":{"area":{"type":"integer","format":"int64","default":7}},"default":{},"x-kubernetes-validations":[{"rule":"self.area > 0","message":"no sail"}]}""")]
    public void A_field_says_what_its_property_and_attributes_say(string field, string schema) =>
        Assert.True(JsonNode.DeepEquals(Sorted(JsonNode.Parse(schema)), Sorted(Spec[field])), Spec[field]!.ToJsonString());

    [Fact]
    public void Fields_that_are_ignored_are_absent_and_required_ones_are_listed()
    {
        Assert.Null(Spec["secret"]);
        Assert.Equal("""["name"]""", Schema["properties"]!["spec"]!["required"]!.ToJsonString());
        Assert.Equal("""["spec"]""", Schema["required"]!.ToJsonString());
    }

    [Fact]
    public void Subresources_columns_and_short_names_are_there()
    {
        Assert.Equal("""{"status":{},"scale":{"specReplicasPath":".spec.oars","statusReplicasPath":".status.oars"}}""", Version["subresources"]!.ToJsonString());
        Assert.Equal(
            ["Name:string:.spec.name:0", "age:integer:.status.age:1"],
            Version["additionalPrinterColumns"]!.AsArray().Select(column => $"{column!["name"]}:{column["type"]}:{column["jsonPath"]}:{column["priority"] ?? 0}"));
        Assert.Equal("""["bt"]""", Definition["spec"]!["names"]!["shortNames"]!.ToJsonString());
        Assert.Equal("Cluster", (string?)Definition["spec"]!["scope"]);
    }

    [Fact]
    public void Text_that_yaml_would_take_for_something_else_is_quoted() =>
        Assert.Equal(
            "a: \"true\"\nb: 'x: y'\nc:\n  - \"1\"\n  - 2\nd: {}\n",
            YamlText.Of(JsonNode.Parse("""{"a":"true","b":"x: y","c":["1",2],"d":{}}""")!));

    // Objects are compared whatever the order of their fields.
    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, Sorted(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    [KubernetesEntity(Group = "sea.example", ApiVersion = "v1", Kind = "Boat", PluralName = "boats")]
    [KubernetesEntityShortNames("bt")]
    [EntityScope(EntityScope.Cluster)]
    [ScaleSubresource(".spec.oars", ".status.oars")]
    [GenericAdditionalPrinterColumn(".spec.name", "Name", "string")]
    private sealed class Boat : CustomKubernetesEntity<BoatSpec, BoatStatus>;

    private sealed class BoatSpec
    {
        [Required]
        [Length(minLength: 1)]
        [Pattern("^[a-z]+$")]
        [Description("What it is called.")]
        public string Name { get; set; } = string.Empty;

        [RangeMinimum(1)]
        [RangeMaximum(8)]
        [DefaultValue(2)]
        public int? Oars { get; set; }

        [RangeMinimum(0.5, exclusiveMinimum: true)]
        public double Weight { get; set; }

        public DateTime? Built { get; set; }

        [EnumValues("red", "blue")]
        public string? Colour { get; set; }

        [XListType(ListType.Set)]
        public IList<string>? Crew { get; set; }

        public IDictionary<string, string>? Tags { get; set; }

        public IntOrString? Port { get; set; }

        public Sail Sail { get; set; } = new();

        [Ignore]
        public string? Secret { get; set; }
    }

    [ValidationRule("self.area > 0", message: "no sail")]
    private sealed class Sail
    {
        [DefaultValue(7)]
        public long Area { get; set; } = 7;
    }

    private sealed class BoatStatus
    {
        [AdditionalPrinterColumn(PrinterColumnPriority.WideView)]
        public int? Age { get; set; }
    }
}
