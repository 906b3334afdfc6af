use super::check;

#[test]
fn integers_wrap_and_cut_toward_zero() {
    check(
        "",
        &[
            ("7 / 2", "3"),
            ("-7 / 2", "-3"),
            ("7 / 2.0", "3.5"),
            ("Decimal d = 7 / 2; return d;", "3"),
            ("2147483647 + 1", "-2147483648"),
            ("9223372036854775807L + 1", "-9223372036854775808"),
            ("Integer a = 100000; Long l = a * a; return l;", "1410065408"),
            ("Long l = 100000L * 100000; return l;", "10000000000"),
            ("Math.mod(-7, 3)", "-1"),
            ("Integer z = 0; return 1 / z;", "!! System.MathException: Divide by 0"),
            ("Integer i = 5; i++; return i++ + i;", "13"),
            ("Integer i = 5; return ++i;", "6"),
            ("Integer i = 5; i *= 3; i -= 1; i /= 2; return i;", "7"),
            ("(1000).format()", "1,000"),
            ("Integer.valueOf('12')", "12"),
            ("Integer.valueOf('1.5')", "!! System.TypeException: Invalid integer: 1.5"),
            ("Integer.MAX_VALUE", "2147483647"),
            ("5 & 3", "1"),
            ("1 << 4", "16"),
            ("-8 >>> 28", "15"),
            ("Integer i; return i + 1;", "!! System.NullPointerException: Attempt to de-reference a null object"),
            ("Integer i; i += 1; return i;", "!! System.NullPointerException: Attempt to de-reference a null object"),
            ("Integer i; return i < 5;", "false"),
            ("Integer i; return i == 0;", "false"),
            ("Integer i; return i == null;", "true"),
            (
                "Boolean b; if (b) { return 1; } return 2;",
                "!! System.NullPointerException: Attempt to de-reference a null object",
            ),
            ("-2147483648", "-2147483648"),
            ("Math.abs(-3)", "3"),
            ("Math.max(2, 3L)", "3"),
            ("Math.min(2.50, 3)", "2.50"),
        ],
    );
}

#[test]
fn decimals_keep_their_scale() {
    check(
        "",
        &[
            ("1.10", "1.10"),
            ("'' + 1.50", "1.50"),
            ("1.10 * 2.0", "2.200"),
            ("1.10 + 2", "3.10"),
            ("1.0 == 1.00", "true"),
            ("new Set<Decimal>{1.1, 1.10}.size()", "2"),
            ("Decimal d = 5; return d.scale();", "0"),
            ("Decimal.valueOf('1.10').scale()", "2"),
            ("8.0 / 3.0", "2.66666666666666666666666666666667"),
            ("1.0 / 0", "!! System.MathException: Divide by 0"),
            ("Decimal d = 19; return d.divide(100, 3);", "0.190"),
            ("12.4567.divide(7, 2, RoundingMode.UP)", "1.78"),
            ("5.245.setScale(2)", "5.24"),
            ("5.235.setScale(2)", "5.24"),
            ("5.245.setScale(2, System.RoundingMode.HALF_UP)", "5.25"),
            ("1.21.setScale(1, RoundingMode.UNNECESSARY)", "!! System.MathException: Scale insufficient"),
            ("1.20.setScale(1, RoundingMode.UNNECESSARY)", "1.2"),
            ("1.5.setScale(34)", "!! System.MathException: Invalid scale: 34"),
            ("Decimal d = 4000; return d.setScale(-3);", "4E+3"),
            ("Decimal d = 125; return d.setScale(-1, RoundingMode.HALF_UP);", "1.3E+2"),
            ("4.5.round()", "4"),
            ("5.5.round()", "6"),
            ("-5.7.round()", "-6"),
            ("Math.round(2.5)", "2"),
            ("1.602.intValue()", "1"),
            ("(Integer) 5.2", "5"),
            (
                "Object o = 5.2; return (Integer) o;",
                "!! System.TypeException: Invalid conversion from runtime type Decimal to Integer",
            ),
            ("1.10000.stripTrailingZeros()", "1.1"),
            ("12345.6789.format()", "12,345.679"),
            ("4.12.pow(2)", "16.9744"),
            ("Decimal.valueOf(0.1d)", "0.1"),
            ("0.1d + 0.2d", "0.30000000000000004"),
            ("123.45.precision()", "5"),
            ("Decimal.valueOf('abc')", "!! System.TypeException: Invalid decimal: abc"),
            ("Decimal.valueOf((String) null)", "!! System.NullPointerException: Argument cannot be null."),
            ("(0.00).setScale(3).toPlainString()", "0.000"),
            ("100.00.toPlainString()", "100.00"),
        ],
    );
}

#[test]
fn every_rounding_mode_follows_the_table() {
    let table = [
        ("CEILING", ["6", "2", "-1", "-2"]),
        ("DOWN", ["5", "1", "-1", "-2"]),
        ("FLOOR", ["5", "1", "-2", "-3"]),
        ("HALF_DOWN", ["5", "1", "-1", "-3"]),
        ("HALF_EVEN", ["6", "1", "-1", "-3"]),
        ("HALF_UP", ["6", "1", "-1", "-3"]),
        ("UP", ["6", "2", "-2", "-3"]),
    ];
    for (mode, expected) in table {
        for (input, expected) in ["5.5", "1.1", "-1.1", "-2.7"].into_iter().zip(expected) {
            check("", &[(&format!("({input}).setScale(0, RoundingMode.{mode})"), expected)]);
        }
    }
}
