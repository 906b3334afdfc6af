//! Record ids: three characters of the object, then a base-62 number, then three that guard the letters' case.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// Characters four to six name the server in a real org; one stand-in has one.
const INSTANCE: &str = "Qt0";

/// The 18-character id of the `number`th record of the object with this key prefix.
pub fn numbered(key_prefix: &str, number: u64) -> String {
    let mut digits = [b'0'; 9];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    let mut id = String::with_capacity(18);
    id.push_str(key_prefix);
    id.push_str(INSTANCE);
    id.extend(digits.iter().map(|digit| *digit as char));
    let check = checksum(&id);
    id + &check
}

/// The number that [`numbered`] was given, or `None` for an id made elsewhere.
pub fn number_of(id: &str) -> Option<u64> {
    if id.get(3..6)? != INSTANCE {
        return None;
    }
    id.get(6..15)?.bytes().try_fold(0u64, |number, byte| {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        number.checked_mul(62)?.checked_add(digit as u64)
    })
}

/// Takes 15 or 18 characters and gives 18; `None` when the text can't be an id.
pub fn parse(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match text.len() {
        15 => Some(format!("{text}{}", checksum(text))),
        18 => {
            let (body, check) = text.split_at(15);
            checksum(body).eq_ignore_ascii_case(check).then(|| format!("{body}{}", checksum(body)))
        }
        _ => None,
    }
}

/// One character for each five: which of them are upper case.
fn checksum(id15: &str) -> String {
    id15.as_bytes()
        .chunks(5)
        .map(|group| {
            let bits = group
                .iter()
                .enumerate()
                .fold(0, |bits, (place, byte)| bits | (usize::from(byte.is_ascii_uppercase()) << place));
            CHECKS[bits] as char
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_characters_get_the_three_that_guard_their_case() {
        assert_eq!(parse("001A0000006Vm9r").as_deref(), Some("001A0000006Vm9rIAC"));
        assert_eq!(parse("001A0000006Vm9rIAC").as_deref(), Some("001A0000006Vm9rIAC"));
        assert_eq!(parse("001A0000006Vm9rIAA"), None);
        assert_eq!(parse("abc"), None);
        assert_eq!(parse("001A0000006Vm9-"), None);
    }

    #[test]
    fn ids_sort_in_the_order_in_which_they_were_given_out() {
        let ids: Vec<String> = (1..200).map(|number| numbered("a00", number)).collect();
        assert!(ids.is_sorted());
        assert_eq!(number_of(&ids[122]), Some(123));
        assert_eq!(parse(&ids[7]).as_ref(), Some(&ids[7]));
    }
}
