//! Images from nothing but a static program.

use std::{path::PathBuf, process::Command};

use bollard::{Docker, body_full, query_parameters::CreateImageOptionsBuilder};
use futures_util::TryStreamExt as _;

/// A static program of one source file, built once.
pub fn static_program(source_file: &str) -> Vec<u8> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let built = tempfile::NamedTempFile::new_in(&directory).unwrap();
    let source = std::fs::read_to_string(source_file).unwrap();
    let kept = directory.join(format!("static-{:x}", hash(&source)));
    if !kept.exists() {
        let rustc = Command::new("rustc")
            .args([
                "--edition",
                "2024",
                "-O",
                "-C",
                "target-feature=+crt-static",
            ])
            .args(["-C", "strip=symbols", "-o"])
            .arg(built.path())
            .arg(source_file)
            .output()
            .expect("rustc is there where tests are built");
        assert!(
            rustc.status.success(),
            "{source_file} is not built: {}",
            String::from_utf8_lossy(&rustc.stderr)
        );
        // Tests run in processes of their own, several at once.
        std::fs::rename(built.path(), &kept).unwrap();
    }
    std::fs::read(kept).unwrap()
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Makes the image `name` of programs, and runs `entry` of them.
pub async fn import(docker: &Docker, name: &str, entry: &str, programs: &[(&str, &[u8])]) {
    let (repository, tag) = name.rsplit_once(':').unwrap();
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(repository)
        .tag(tag)
        .changes(vec![format!(r#"ENTRYPOINT ["{entry}"]"#)])
        .build();
    let archive = archive(programs);
    docker
        .create_image(Some(options), Some(body_full(archive.into())), None)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
}

/// A tar archive (ustar) of programs.
pub fn archive(programs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, program) in programs {
        archive.extend_from_slice(&header(name, program.len()));
        archive.extend_from_slice(program);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn header(name: &str, size: usize) -> [u8; 512] {
    let mut header = [0_u8; 512];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\u{0}00");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\u{0} ").as_bytes());
    header
}
