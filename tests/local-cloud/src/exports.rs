//! The environment variables with which a shell uses the local cloud, and the exports file.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{REGION, emulators::ACCOUNT};

/// Shell commands that point every AWS SDK and the AWS CLI at the local cloud.
///
/// `RECORDS_TABLE` is omitted without a table.
#[must_use]
pub fn text(url: &str, table: Option<&str>) -> String {
    let mut lines = vec![
        // Variables of a real login would otherwise be used too.
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

/// The file with the exports, which exists exactly while the local cloud is ready.
pub struct ExportsFile(PathBuf);

impl ExportsFile {
    /// Claims the path, and removes the file of an earlier run.
    ///
    /// # Errors
    /// The old file cannot be removed.
    pub fn claim(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self(path.to_owned())),
        }
    }

    /// Writes the file atomically: a script that waits for the file never reads a partial one.
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
        // The file may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_table_the_variable_is_omitted() {
        let url = "http://127.0.0.1:1";
        assert!(text(url, Some("records")).contains("export RECORDS_TABLE=records\n"));
        assert!(!text(url, None).contains("RECORDS_TABLE"));
    }

    #[test]
    fn the_exports_contain_the_emulators_account() {
        assert!(text("http://127.0.0.1:1", None).contains("export ACCOUNT_ID=123456789012\n"));
    }
}
