//! The only source of randomness: a cryptographically secure generator, and what is drawn from it.

use rand::{Rng, RngExt};

/// The process's CSPRNG (seeded by the operating system, ChaCha-based).
#[expect(
    clippy::disallowed_methods,
    reason = "this is the door the ban points to"
)]
pub fn rng() -> impl rand::CryptoRng {
    rand::rng()
}

/// A sign-in code: six decimal digits, each of the million equally likely.
pub fn login_code(rng: &mut impl Rng) -> String {
    format!("{:06}", rng.random_range(0..1_000_000_u32))
}

/// `len` characters of Crockford's base-32 alphabet (no `i`, `l`, `o`, `u`): readable aloud, 5 bits each.
pub fn readable(rng: &mut impl Rng, len: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..len)
        .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
        .collect()
}

/// `N` random bytes.
pub fn bytes<const N: usize>(rng: &mut impl Rng) -> [u8; N] {
    let mut out = [0; N];
    rng.fill_bytes(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_code_is_six_digits_and_a_readable_text_keeps_to_its_alphabet() {
        let mut rng = rng();
        for _ in 0..1_000 {
            let code = login_code(&mut rng);
            assert!(
                code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
            let text = readable(&mut rng, 12);
            assert!(
                text.len() == 12 && !text.contains(['i', 'l', 'o', 'u']),
                "{text}"
            );
        }
    }
}
