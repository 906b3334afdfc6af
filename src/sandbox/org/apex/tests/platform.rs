use super::check;

const CLASSES: &str = "
    public class Item {
        public String name;
        public Decimal price;
        public Integer count;
        public List<Item> parts;
        public transient String secret = 'x';
        private Date day;
        public Item() { count = 99; }
        public Item(String name, Decimal price) { this.name = name; this.price = price; }
    }
    static String item() { Item i = new Item('a', 1.10); return JSON.serialize(i); }
";

#[test]
fn json_keeps_nulls_and_digits() {
    check(
        CLASSES,
        &[
            ("item()", r#"{"name":"a","price":1.10,"count":null,"parts":null,"day":null}"#),
            ("JSON.serialize(new Item('a', null), true)", r#"{"name":"a"}"#),
            ("JSON.serialize(new Map<String, Object>{ 'b' => 1, 'a' => null })", r#"{"b":1,"a":null}"#),
            ("JSON.serialize(Datetime.newInstanceGmt(2011, 3, 22, 8, 15, 18))", r#""2011-03-22T08:15:18.000Z""#),
            ("JSON.serialize('q\"\\n')", r#""q\"\n""#),
            (
                "JSON.serialize(new Account(Name = 'x', Phone = null))",
                r#"{"attributes":{"type":"Account"},"Name":"x","Phone":null}"#,
            ),
            (
                "Item i = (Item) JSON.deserialize('{\"name\":\"z\",\"other\":1,\"price\":2.50,\"parts\":[{\"count\":3}]}', Item.class); return i.name + i.price + i.count + i.parts[0].count;",
                "z2.50null3",
            ),
            ("JSON.deserialize('{\"count\":1.5}', Item.class)", "!! System.JSONException: Illegal value for primitive"),
            (
                "Map<String, Object> m = (Map<String, Object>) JSON.deserializeUntyped('{\"a\":2000,\"b\":5.0,\"c\":[1,null]}'); return (Integer) m.get('a') + ' ' + m.get('b') + m.get('c');",
                "2000 5.0(1, null)",
            ),
            (
                "Map<String, Object> m = (Map<String, Object>) JSON.deserializeUntyped('{\"b\":5.0}'); return (Integer) m.get('b');",
                "!! System.TypeException: Invalid conversion from runtime type Decimal to Integer",
            ),
            (
                "(List<Object>) JSON.deserializeUntyped('{}')",
                "!! System.TypeException: Invalid conversion from runtime type Map<String,ANY> to List<ANY>",
            ),
            (
                "((Account) JSON.deserialize('{\"attributes\":{\"type\":\"Account\"},\"Name\":\"n\"}', Account.class)).Name",
                "n",
            ),
            ("((List<String>) JSON.deserialize('[\"a\"]', List<String>.class))[0]", "a"),
            (
                "JSONGenerator g = JSON.createGenerator(false); g.writeStartObject(); g.writeStringField('a', 'b'); g.writeNumberField('n', 1.50); g.writeFieldName('l'); g.writeStartArray(); g.writeNumber(1); g.writeNumber(2); g.writeEndArray(); g.writeEndObject(); return g.getAsString();",
                r#"{"a":"b","n":1.50,"l":[1,2]}"#,
            ),
        ],
    );
}

#[test]
fn dates_roll_and_format() {
    check(
        "",
        &[
            ("Date.newInstance(2026, 1, 31).addMonths(1)", "2026-02-28 00:00:00".trim_end_matches(" 00:00:00")),
            ("Date.newInstance(2016, 27, 7)", "2018-03-07"),
            ("Date.newInstance(2026, 3, 0)", "2026-02-28"),
            ("Date.newInstance(2026, 1, 5).daysBetween(Date.newInstance(2026, 1, 1))", "-4"),
            ("Date.newInstance(2006, 12, 2).monthsBetween(Date.newInstance(2012, 12, 8))", "72"),
            ("Date.newInstance(2026, 1, 1) + 5", "2026-01-06"),
            ("Date.newInstance(2026, 1, 1) < Date.newInstance(2026, 1, 2)", "true"),
            ("Date.valueOf('2026-07-30')", "2026-07-30"),
            ("Date.valueOf('x')", "!! System.TypeException: Invalid date: x"),
            // The org's clock stands at 02:30 UTC, which is the evening before in New York.
            ("Date.today()", "2026-03-04"),
            ("Datetime.now().format('yyyy-MM-dd HH:mm:ss')", "2026-03-04 21:30:15"),
            ("Datetime.now().formatGmt('yyyy-MM-dd\\'T\\'HH:mm:ss.SSS\\'Z\\'')", "2026-03-05T02:30:15.250Z"),
            ("Datetime.now().getTime()", "1772677815250"),
            ("Datetime.now().dateGmt()", "2026-03-05"),
            ("Datetime.newInstance(2026, 1, 1, 25, 0, 0)", "2026-01-02 01:00:00"),
            ("Datetime.valueOf('2026-07-30 10:00:00').hourGmt()", "14"),
            (
                "Datetime.valueOf('2026-07-30T10:00:00Z')",
                "!! System.TypeException: Invalid date/time: 2026-07-30T10:00:00Z",
            ),
            ("Datetime.newInstance(2026, 1, 1).addMinutes(-1)", "2025-12-31 23:59:00"),
            ("(Datetime.newInstance(2026, 1, 1) + 0.5).hour()", "12"),
        ],
    );
}

#[test]
fn platform_classes_answer() {
    check(
        "",
        &[
            (
                "EncodingUtil.convertToHex(Crypto.generateDigest('SHA-256', Blob.valueOf('abc')))",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "Crypto.generateDigest('SHA-999', Blob.valueOf('abc'))",
                "!! System.SecurityException: SHA-999 MessageDigest not available",
            ),
            ("EncodingUtil.base64Encode(Blob.valueOf('Hi?'))", "SGk/"),
            ("EncodingUtil.urlEncode('A B&c', 'UTF-8')", "A+B%26c"),
            ("UUID.randomUUID().toString().length()", "36"),
            ("Crypto.generateAesKey(256).size()", "32"),
            ("UserInfo.getUserId() + UserInfo.getName()", "005000000000001AAAAda Admin"),
            (
                "FeatureManagement.checkPermission('Granted') + ' ' + FeatureManagement.checkPermission('Other')",
                "true false",
            ),
            ("Trigger.isExecuting", "false"),
            ("System.debug(LoggingLevel.WARN, 'x'); return 1;", "1"),
            ("Test.isRunningTest()", "false"),
            ("Pattern.compile('a(b+)').matcher('xabbx').find()", "true"),
            ("Matcher m = Pattern.compile('a(b+)').matcher('abb'); return m.matches() + m.group(1);", "truebb"),
        ],
    );
}

#[test]
fn what_is_not_modelled_says_where() {
    check(
        "",
        &[
            (
                "UserInfo.getSessionId()",
                "!! Unmodelled: Cases.cls:3: UserInfo.getsessionid is not modelled by the sandbox",
            ),
            (
                "try { UserInfo.getSessionId(); } catch (Exception e) { return 1; } return 2;",
                "!! Unmodelled: Cases.cls:4: UserInfo.getsessionid is not modelled by the sandbox",
            ),
        ],
    );
}
