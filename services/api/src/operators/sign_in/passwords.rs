//! Hashes and verifies passwords with Argon2id, in bounded memory.
//!
//! At most two hashes are computed at once, 19 MiB each, and that memory is returned to the operating system afterwards.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use galaxy_core::entropy;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// One semaphore for the process, since it bounds the memory of the process.
static SLOTS: Semaphore = Semaphore::const_new(2);

/// Capacity to allocate, in blocks. glibc maps an allocation of more than 32 MiB separately and unmaps it when it is freed; a
/// smaller one may stay in the heap of the calling thread. Only pages that are written to take memory.
const MAPPED_BLOCKS: usize = 33 * 1024 * 1024 / Block::SIZE;

/// The hash of a new password, as a PHC string.
pub async fn hash(password: String) -> anyhow::Result<String> {
    in_slot(move || hash_now(&password)).await?
}

/// Whether `hash` is the hash of `password`; `false` if it cannot be parsed.
pub async fn verify(password: String, hash: String) -> anyhow::Result<bool> {
    in_slot(move || verify_now(&password, &hash).unwrap_or(false)).await
}

async fn in_slot<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let slot = SLOTS.acquire().await?;
    let work = move || {
        let _slot = slot;
        work()
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}

pub(super) fn hash_now(password: &str) -> anyhow::Result<String> {
    let params = Params::default();
    let salt = Salt::new(&entropy::bytes::<16>(&mut entropy::rng()))?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(&Argon2::from(&params), password, &salt, &mut output)?;
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(salt),
        hash: Some(Output::new(&output)?),
    };
    Ok(hash.to_string())
}

fn verify_now(password: &str, hash: &str) -> anyhow::Result<bool> {
    let hash = PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
        return Ok(false);
    };
    let version = hash
        .version
        .map_or(Ok(Version::default()), Version::try_from)?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&hash)?);
    let mut output = vec![0; expected.len()];
    fill(&argon2, password, &salt, &mut output)?;
    Ok(output.ct_eq(expected.as_bytes()).into())
}

fn fill(argon2: &Argon2<'_>, password: &str, salt: &[u8], output: &mut [u8]) -> argon2::Result<()> {
    let blocks = argon2.params().block_count();
    let mut memory = Vec::with_capacity(blocks.max(MAPPED_BLOCKS));
    memory.resize(blocks, Block::new());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn hashes_equal_those_of_the_argon2_crate() {
        let ours = hash_now("correct horse").unwrap();
        let parsed = PasswordHash::new(&ours).unwrap();
        let argon2 = Argon2::default();
        argon2.verify_password(b"correct horse", &parsed).unwrap();
        let theirs = argon2.hash_password(b"correct horse").unwrap().to_string();
        let parameters = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(ours.starts_with(parameters) && theirs.starts_with(parameters));
        assert!(verify_now("correct horse", &theirs).unwrap());
        assert!(!verify_now("battery staple", &theirs).unwrap());
    }

    #[test]
    fn an_unreadable_hash_verifies_no_password() {
        assert!(verify_now("", "").is_err());
        assert!(!verify_now("", "$argon2id$v=19$m=19456,t=2,p=1").unwrap());
    }

    #[tokio::test]
    async fn a_third_hash_waits_for_one_of_two_slots() {
        let (first, _second) = (
            SLOTS.acquire().await.unwrap(),
            SLOTS.acquire().await.unwrap(),
        );
        let mut third = std::pin::pin!(in_slot(|| 3));
        let polled = tokio::time::timeout(std::time::Duration::ZERO, &mut third).await;
        assert!(polled.is_err());
        drop(first);
        assert_eq!(third.await.unwrap(), 3);
    }
}
