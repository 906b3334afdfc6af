use super::check;

#[test]
fn texts_compare_and_join_as_the_platform_does() {
    check(
        "",
        &[
            ("'Abc' == 'aBC'", "true"),
            ("'Abc'.equals('aBC')", "false"),
            ("'Abc' != 'abd'", "true"),
            ("'Hello' < 'hello'", "false"),
            ("'Hello' >= 'hello'", "true"),
            ("'- D' < 'Banner'", "false"),
            ("'- D'.compareTo('Banner') < 0", "true"),
            ("'a' + null", "anull"),
            ("String s; s += 'x'; return s;", "nullx"),
            ("String s; return s.length();", "!! System.NullPointerException: Attempt to de-reference a null object"),
            ("'a,,b,'.split(',')", "(a, , b)"),
            ("'boo:and:moo'.split('o', 5)", "(b, , :and:m, , )"),
            ("'abc'.split('')", "(a, b, c)"),
            ("''.split(',').size()", "1"),
            ("'a|b'.split('\\\\|')", "(a, b)"),
            ("'abc'.substring(5)", "!! System.StringException: Starting position out of bounds: 5"),
            ("'abc'.substring(1, 9)", "!! System.StringException: Ending position out of bounds: 9"),
            ("'abc'.left(10)", "abc"),
            ("'abcdef'.mid(1, 3)", "bcd"),
            ("String.isBlank('  ')", "true"),
            ("String.isBlank(null)", "true"),
            ("String.isEmpty('  ')", "false"),
            ("'x'.contains(null)", "!! System.NullPointerException: Argument cannot be null."),
            ("String.valueOf(Date.newInstance(2026, 7, 30))", "2026-07-30"),
            ("'' + Date.newInstance(2026, 7, 30)", "2026-07-30 00:00:00"),
            ("String.format('{0} of {1}', new List<Object>{ 1, 'b' })", "1 of b"),
            ("String.format('It\\'\\'s {0} {9}', new List<Object>{ 1 })", "It's 1 {9}"),
            ("String.join(new List<String>{ 'a', 'b' }, ',')", "a,b"),
            ("String.join(new Set<Integer>{ 1, 2 }, '-')", "1-2"),
            ("String.escapeSingleQuotes('O\\'x')", "O\\'x"),
            ("'7'.leftPad(3, '0')", "007"),
            ("'a1b2'.replaceAll('([a-z])(\\\\d)', '$2$1')", "1a2b"),
            ("'hello world'.capitalize()", "Hello world"),
            ("'abc'.substringBefore('x')", "abc"),
            ("'abc'.substringAfter('x')", ""),
            ("'a.b.c'.substringAfterLast('.')", "c"),
            ("'abcdefghij'.abbreviate(8)", "abcde..."),
            ("'aXbX'.countMatches('X')", "2"),
            ("'abc'.removeEnd('c')", "ab"),
            ("'abc'.indexOf('c')", "2"),
            ("' a '.trim()", "a"),
            ("new List<Integer>{1,2,3,4,5,6,7,8,9,10,11}", "(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...)"),
            ("new Map<String, Integer>{ 'a' => 1 }", "{a=1}"),
            ("'a\\tb\\u0041'.length()", "4"),
            ("Label.Greeting + System.Label.Greeting", "Good dayGood day"),
            ("'abc'.charAt(9)", "!! System.StringException: Index out of bounds: 9"),
            ("'A b'.toUpperCase() + 'C'.toLowerCase()", "A Bc"),
        ],
    );
}

#[test]
fn ids_are_eighteen_characters() {
    check(
        "",
        &[
            ("Id i = '001000000000001'; return i;", "001000000000001AAA"),
            ("Id i = '001D000000Abcde'; return i;", "001D000000AbcdeIAB"),
            ("Id a = '001000000000001'; Id b = '001000000000001AAA'; return a == b;", "true"),
            ("Id a = '001000000000001AAA'; return a == '001000000000001';", "true"),
            ("Id i = 'abc'; return i;", "!! System.StringException: Invalid id: abc"),
            ("Id i = '001000000000001AAA'; return i.to15();", "001000000000001"),
            ("Id i = '001000000000001AAA'; return i.getSobjectType();", "Account"),
            ("new Set<Id>{ '001000000000001' }.contains('001000000000001AAA')", "true"),
            ("new Map<Id, Integer>{ '001000000000001' => 4 }.get('001000000000001AAA')", "4"),
            ("Id i = (Id) null; return i;", "null"),
        ],
    );
}
