//! The operating system account that runs Postgres: it refuses root, so root starts it under another one.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
};

use anyhow::{Context, Result, bail};

/// An account to run a program as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The account for programs that refuse root: `postgres`, else `nobody`; `None` if this process is not root.
pub fn unprivileged() -> Result<Option<Account>> {
    if !is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    match ["postgres", "nobody"]
        .iter()
        .find_map(|name| find(&accounts, name))
    {
        Some(account) => Ok(Some(account)),
        None => bail!(
            "Postgres refuses to run as root and this machine has neither a user `postgres` nor `nobody`; \
             run as another user"
        ),
    }
}

fn find(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

/// Makes `dir` a private directory of `account`, or of the current account if there is none.
pub fn private_dir(dir: &Path, account: Option<&Account>) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    if let Some(account) = account {
        chown(dir, Some(account.uid), Some(account.gid))
            .with_context(|| format!("cannot hand {} over", dir.display()))?;
    }
    Ok(())
}

/// Whether every account may enter `path`: each directory above it lets others through.
pub fn reachable_by_others(path: &Path) -> bool {
    path.ancestors()
        .filter(|dir| dir.exists())
        .all(|dir| fs::metadata(dir).is_ok_and(|meta| meta.mode() & 0o001 != 0))
}

/// Lets every account read what is under `path` and run what its owner may run.
pub fn open_to_others(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_symlink() {
        return Ok(());
    }
    let mode = meta.mode();
    let open = if meta.is_dir() || mode & 0o100 != 0 {
        0o555
    } else {
        0o444
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode | open))?;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            open_to_others(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts =
            "root:x:0:0:root:/root:/bin/bash\nnobody2:x:1:1::/:/x\nnobody:x:65534:65533:n:/:/x\n";
        let nobody = Account {
            uid: 65_534,
            gid: 65_533,
        };
        assert_eq!(find(accounts, "nobody"), Some(nobody));
        assert_eq!(find(accounts, "postgres"), None);
    }

    #[test]
    fn a_directory_below_a_closed_one_is_not_reachable_until_it_is_opened() {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!reachable_by_others(&inner));
        open_to_others(dir.path()).unwrap();
        assert!(reachable_by_others(&inner));
    }
}
