//! What can go wrong with the table.

/// A call to the records that failed. Classified by the service's error code, never by its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// Too many calls, after all retries of the SDK. Passes by itself.
    #[error(
        "DynamoDB throttles the table {table}: the request will be tried again; if it lasts, give the table on-demand \
         capacity"
    )]
    Throttled {
        /// The table's name.
        table: String,
    },
    /// The function's role or its credentials don't allow the call.
    #[error(
        "access to the table {table} is denied ({code}): check that the function's role allows dynamodb:GetItem, UpdateItem \
         and DeleteItem on it, and on its key if it is encrypted with one"
    )]
    Denied {
        /// The table's name.
        table: String,
        /// The service's code.
        code: String,
    },
    /// There is no such table.
    #[error(
        "there is no table {table} in this account and region: check the function's setting for it, and that the deployment \
         has made it"
    )]
    NoTable {
        /// The table's name.
        table: String,
    },
    /// An item that this version can't make sense of.
    #[error("an item of the table {table} can't be read: {what}")]
    Unreadable {
        /// The table's name.
        table: String,
        /// Which one, and what is missing or wrong.
        what: String,
    },
    /// Anything else: no connection, no answer in time, a fault of the service, a request that it refuses.
    #[error("the table {table} can't be used: {what}")]
    Broken {
        /// The table's name.
        table: String,
        /// The service's code and message, or what happened to the connection.
        what: String,
    },
}

impl RecordsError {
    /// Whether the same call may succeed later, without anybody doing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, RecordsError::Throttled { .. } | RecordsError::Broken { .. })
    }
}
