use super::check;

const CLASSES: &str = "
    public virtual class Animal {
        public String name = 'animal';
        public virtual String sound() { return '...'; }
        public String speak() { return name + ' says ' + sound(); }
    }
    public virtual class Dog extends Animal {
        public Dog() { this('Rex'); }
        public Dog(String name) { this.name = name; }
        public override String sound() { return 'wuff'; }
    }
    public class Puppy extends Dog {
        public Puppy() { super('Tiny'); }
        public override String sound() { return super.sound().toUpperCase(); }
    }
    public interface Shape { Decimal area(); }
    public abstract class Base implements Shape {
        public abstract Decimal area();
        public String tell() { return 'area ' + area(); }
    }
    public class Square extends Base {
        private Decimal side { get; private set; }
        public Integer reads = 0;
        public Decimal twice { get { reads++; return side * 2; } set { side = value / 2; } }
        public Integer lazy { get { if (lazy == null) { lazy = 42; } return lazy; } set; }
        public Square(Decimal side) { this.side = side; }
        public override Decimal area() { return side * side; }
    }
    public enum Season { SPRING, SUMMER, AUTUMN }
    public class MyException extends Exception {}
    public class RichException extends Exception {
        public Integer code;
        public RichException(String message, Integer code) { this(message); this.code = code; }
    }
    public class Keyed implements Comparable {
        public Integer n;
        public Keyed(Integer n) { this.n = n; }
        public Integer compareTo(Object other) { return n - ((Keyed) other).n; }
        public Boolean equals(Object other) { return other instanceof Keyed && ((Keyed) other).n == n; }
        public Integer hashCode() { return n; }
    }
    static Integer counter = 10;
    static List<String> order = new List<String>();
    static final Map<String, Integer> TABLE = new Map<String, Integer>{ 'a' => counter };
    static Integer next() { return ++counter; }
    static String over(Integer x) { return 'Integer'; }
    static String over(Long x) { return 'Long'; }
    static String over(Decimal x) { return 'Decimal'; }
    static String over(String x) { return 'String'; }
    static String over(Object x) { return 'Object'; }
    static String over(List<String> x) { return 'List'; }
    static String over(List<Integer> x) { return 'Integers'; }
    static Integer fact(Integer n) { return n < 2 ? 1 : n * fact(n - 1); }
    static Boolean side(Boolean b) { order.add('' + b); return b; }
    static Integer finallyReturns() { try { return 1; } finally { order.add('f'); } }
    static String nothing() { return null; }
    static void raise() { throw new MyException('mine'); }
    static Integer endless(Integer n) { return endless(n + 1); }
";

#[test]
fn classes_dispatch_and_construct() {
    check(
        CLASSES,
        &[
            ("new Animal().speak()", "animal says ..."),
            ("new Dog().speak()", "Rex says wuff"),
            ("Animal a = new Puppy(); return a.speak();", "Tiny says WUFF"),
            ("Shape s = new Square(3); return s.area();", "9"),
            ("new Square(1.5).tell()", "area 2.25"),
            ("Square s = new Square(2); s.twice = 10; return s.area() + ' ' + s.twice + ' ' + s.reads;", "25 10 1"),
            ("new Square(2).lazy", "42"),
            ("new Dog() instanceof Animal", "true"),
            ("Animal a = new Animal(); return a instanceof Dog;", "false"),
            (
                "Object o = new Animal(); return (Dog) o;",
                "!! System.TypeException: Invalid conversion from runtime type Cases.Animal to Cases.Dog",
            ),
            ("Object o = null; return o instanceof Animal;", "false"),
            ("over(1) + over(1L) + over(1.0) + over('x') + over(true)", "IntegerLongDecimalStringObject"),
            ("over(new List<String>()) + over(new List<Integer>())", "ListIntegers"),
            ("fact(10)", "3628800"),
            ("counter + ' ' + next() + ' ' + counter", "10 11 11"),
            ("TABLE.get('a')", "10"),
            ("Cases.counter = 3; return Cases.next();", "4"),
            ("new Keyed(3) == new Keyed(3)", "true"),
            (
                "List<Keyed> l = new List<Keyed>{ new Keyed(3), new Keyed(1), null }; l.sort(); return l[1].n + ' ' + l[0];",
                "1 null",
            ),
            ("Type.forName('Cases.Dog').newInstance() instanceof Animal", "true"),
            ("Cases.Dog.class.getName()", "Cases.Dog"),
        ],
    );
}

#[test]
fn control_flow_and_exceptions() {
    check(
        CLASSES,
        &[
            (
                "Integer s = 0; for (Integer i = 0, j = 10; i < j; i++) { if (i == 2) { continue; } if (i == 5) { break; } s += i; } return s;",
                "8",
            ),
            ("Integer i = 0; do { i++; } while (i < 3); return i;", "3"),
            ("Integer i = 0; while (true) { if (++i > 4) { return i; } }", "5"),
            ("side(false) && side(true); return order;", "(false)"),
            ("Boolean b = side(true) || side(false); return order;", "(true)"),
            ("switch on 'Abc' { when 'abc' { return 1; } when 'Abc', 'x' { return 2; } when else { return 3; } }", "2"),
            ("String s; switch on s { when 'a' { return 1; } when null { return 2; } when else { return 3; } }", "2"),
            ("Integer i; switch on i { when 1 { return 1; } when else { return 3; } }", "3"),
            ("Integer i = -1; switch on i { when 1 { return 1; } when -1 { return 2; } } return 9;", "2"),
            (
                "Season s = Season.AUTUMN; switch on s { when SPRING, SUMMER { return 1; } when AUTUMN { return 2; } }",
                "2",
            ),
            ("Season.values()", "(SPRING, SUMMER, AUTUMN)"),
            ("Season.valueOf('summer').ordinal()", "1"),
            ("Season.valueOf('missing')", "!! System.NoSuchElementException: No enum value found called missing"),
            (
                "SObject o = new Account(Name = 'x'); switch on o { when Contact c { return c.LastName; } when Account a { return a.Name; } }",
                "x",
            ),
            (
                "try { raise(); } catch (MyException e) { return e.getMessage() + ' ' + e.getTypeName(); } return null;",
                "mine Cases.MyException",
            ),
            ("try { raise(); } catch (DmlException e) { return 1; } catch (Exception e) { return 2; } return 3;", "2"),
            (
                "try { Integer i; i = i + 1; } catch (NullPointerException e) { return e.getTypeName() + e.getLineNumber(); } return 3;",
                "System.NullPointerException77",
            ),
            ("Integer r = finallyReturns(); return r + ' ' + order;", "1 (f)"),
            (
                "try { try { raise(); } finally { order.add('inner'); } } catch (Exception e) { order.add('outer'); } return order;",
                "(inner, outer)",
            ),
            ("raise(); return 1;", "!! Cases.MyException: mine"),
            ("throw new RichException('text', 7);", "!! Cases.RichException: text"),
            ("try { throw new RichException('text', 7); } catch (RichException e) { return e.code; }", "7"),
            (
                "try { throw new MyException('out', new MyException('in')); } catch (MyException e) { return e.getCause().getMessage(); }",
                "in",
            ),
            (
                "try { throw new MyException(); } catch (MyException e) { return e.getMessage(); }",
                "Script-thrown exception",
            ),
            (
                "try { throw new AuraHandledException('told'); } catch (AuraHandledException e) { return e.getMessage(); }",
                "Script-thrown exception",
            ),
            (
                "AuraHandledException e = new AuraHandledException('told'); e.setMessage('told'); try { throw e; } catch (AuraHandledException f) { return f.getMessage(); }",
                "told",
            ),
            ("throw new AuraHandledException('told');", "!! System.AuraHandledException: told"),
            (
                "try { Assert.areEqual(1, 2); } catch (Exception e) { return 'caught'; } finally { order.add('x'); } return 0;",
                "!! System.AssertException: Assertion Failed: Expected: 1, Actual: 2",
            ),
            ("Assert.areEqual(1, 1.0); return 'same';", "same"),
            ("Assert.isTrue(false, 'no'); return 0;", "!! System.AssertException: Assertion Failed: no"),
            ("Assert.isTrue(false); return 0;", "!! System.AssertException: Assertion Failed"),
            (
                "Assert.areEqual('a', 'b', 'msg'); return 0;",
                "!! System.AssertException: Assertion Failed: msg: Expected: a, Actual: b",
            ),
            ("Assert.areNotEqual(1, 1); return 0;", "!! System.AssertException: Assertion Failed: Same value: 1"),
            ("Assert.fail('x'); return 0;", "!! System.AssertException: Assertion Failed: x"),
            ("nothing()?.length()", "null"),
            ("nothing()?.toUpperCase().length()", "null"),
            (
                "'x'?.substringBetween('a').length()",
                "!! System.NullPointerException: Attempt to de-reference a null object",
            ),
            ("nothing() ?? 'else'", "else"),
            ("true ? 'a' : 'b'", "a"),
            ("Integer x = 1; Integer y = x == 1 ? 2 : 3; return y;", "2"),
            ("while (true) { counter++; } return 1;", "!! System.LimitException: Apex CPU time limit exceeded"),
            ("endless(0)", "!! System.LimitException: Maximum stack depth reached: 120 (the sandbox's own limit)"),
        ],
    );
}

#[test]
fn collections_hold_to_their_rules() {
    check(
        CLASSES,
        &[
            (
                "List<Integer> l = new List<Integer>{ 1, 2, 3 }; return l[5];",
                "!! System.ListException: List index out of bounds: 5",
            ),
            (
                "List<Integer> l = new List<Integer>(); return l.get(-1);",
                "!! System.ListException: List index out of bounds: -1",
            ),
            ("new Integer[3]", "(null, null, null)"),
            ("new Integer[]{ 1, 2 }", "(1, 2)"),
            ("List<Decimal> l = new List<Decimal>{ 1 }; l.add(2); return l[1].scale();", "0"),
            (
                "Map<String, Integer> m = new Map<String, Integer>{ 'a' => 1, 'b' => 2 }; m.keySet().remove('a'); return m;",
                "{b=2}",
            ),
            (
                "Map<String, Integer> m = new Map<String, Integer>{ 'a' => 1 }; List<Integer> v = m.values(); v.clear(); return m.size();",
                "1",
            ),
            (
                "Map<String, Integer> m = new Map<String, Integer>(); return m.put('a', 1) + ' ' + m.put('a', 2) + ' ' + m.get('A');",
                "null 1 null",
            ),
            ("new List<String>{ 'a' } == new List<String>{ 'a' }", "true"),
            ("new List<String>{ 'a' }.contains('A')", "false"),
            ("new Set<String>{ 'a', 'A' }.size()", "2"),
            ("new Set<Integer>{ 1, 2 } == new Set<Integer>{ 2, 1 }", "true"),
            ("List<Integer> l = new List<Integer>{ 3, 1, null, 2 }; l.sort(); return l;", "(null, 1, 2, 3)"),
            (
                "List<Integer> l = new List<Integer>{ 1, 2 }; for (Integer i : l) { l.add(i); } return l;",
                "!! System.FinalException: Cannot modify a collection while it is being iterated.",
            ),
            (
                "Set<Integer> s = new Set<Integer>{ 1, 2 }; for (Integer i : s) { s.remove(i); } return s;",
                "!! System.FinalException: Cannot modify a collection while it is being iterated.",
            ),
            ("List<Integer> l = new List<Integer>{ 1, 2 }; for (Integer i : l) { l[0] = 9; } return l;", "(9, 2)"),
            (
                "List<Integer> l; for (Integer i : l) { l.add(i); } return l;",
                "!! System.NullPointerException: Attempt to de-reference a null object",
            ),
            (
                "new Map<Id, Account>(new List<Account>{ new Account() })",
                "!! System.ListException: Row with null Id at index: 0",
            ),
            (
                "Account a = new Account(Id = '001000000000001'); return new Map<Id, Account>(new List<Account>{ a, a });",
                "!! System.ListException: Row with duplicate Id at index: 1",
            ),
            (
                "List<SObject> l = new List<Account>(); l.add(new Contact()); return l;",
                "!! System.TypeException: Collection store exception adding Contact to List<Account>",
            ),
            ("new Set<Integer>{ 1 }.add(1)", "false"),
            ("List<Integer> l = new List<Integer>{ 1, 2, 3 }; return l.remove(1) + ' ' + l;", "2 (1, 3)"),
            ("List<Integer> l = new List<Integer>{ 1 }; List<Integer> c = l.clone(); c.add(2); return l.size();", "1"),
            ("new Set<Integer>{ 1 }.containsAll(new List<Integer>{ 1 })", "true"),
            (
                "Map<Season, String> m = new Map<Season, String>{ Season.SPRING => 'x' }; return m.get(Season.SPRING);",
                "x",
            ),
            (
                "List<List<Integer>> l = new List<List<Integer>>{ new List<Integer>{ 1 } }; l[0][0]++; return l;",
                "((2))",
            ),
        ],
    );
}
