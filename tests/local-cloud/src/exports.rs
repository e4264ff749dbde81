//! What a shell needs to use the local cloud: variables, and the file that has them.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{REGION, emulators::ACCOUNT};

/// Shell commands that point every AWS SDK and the AWS CLI at the local cloud.
///
/// `RECORDS_TABLE` is left out where there is no table.
#[must_use]
pub fn text(url: &str, table: Option<&str>) -> String {
    let mut lines = vec![
        // What is left of a real login would be sent along.
        "unset AWS_PROFILE AWS_SESSION_TOKEN".to_owned(),
        format!("export AWS_ENDPOINT_URL={url}"),
        "export AWS_ACCESS_KEY_ID=test".to_owned(),
        "export AWS_SECRET_ACCESS_KEY=test".to_owned(),
        format!("export AWS_REGION={REGION}"),
        format!("export AWS_DEFAULT_REGION={REGION}"),
        format!("export ACCOUNT_ID={ACCOUNT}"),
    ];
    lines.extend(table.map(|table| format!("export RECORDS_TABLE={table}")));
    lines.join("\n") + "\n"
}

/// The file with the exports. It is there exactly while the local cloud is ready.
pub struct ExportsFile(PathBuf);

impl ExportsFile {
    /// Claims the place, and removes what an earlier run left there.
    ///
    /// # Errors
    /// The old file cannot be removed.
    pub fn claim(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self(path.to_owned())),
        }
    }

    /// Writes the file in one step: who waits for it never reads half of it.
    ///
    /// # Errors
    /// The folder is missing or cannot be written to.
    pub fn write(&self, exports: &str) -> io::Result<()> {
        let part = self.0.with_extension("part");
        std::fs::write(&part, exports)?;
        std::fs::rename(&part, &self.0)
    }
}

impl Drop for ExportsFile {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_table_none_is_named() {
        let url = "http://127.0.0.1:1";
        assert!(text(url, Some("records")).contains("export RECORDS_TABLE=records\n"));
        assert!(!text(url, None).contains("RECORDS_TABLE"));
    }

    #[test]
    fn the_account_is_the_emulators() {
        assert!(text("http://127.0.0.1:1", None).contains("export ACCOUNT_ID=123456789012\n"));
    }
}
