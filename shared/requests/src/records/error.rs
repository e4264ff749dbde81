//! Errors of the table.

/// A failed call to the records. Classified by the service's error code, never by its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// Too many calls, after all retries of the SDK. Transient.
    #[error(
        "DynamoDB throttles the table {table}: the request is retried; if this persists, switch the table to on-demand \
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
    /// The table does not exist.
    #[error(
        "the table {table} does not exist in this account and region: check the function's setting for it, and that the \
         deployment has created it"
    )]
    NoTable {
        /// The table's name.
        table: String,
    },
    /// An item that this version can't read.
    #[error("an item of the table {table} can't be read: {message}")]
    Unreadable {
        /// The table's name.
        table: String,
        /// The item, and the attribute that is missing or wrong.
        message: String,
    },
    /// The table can't store or find such an item: it is too large, or its key is not valid. The same call never succeeds.
    #[error(
        "the table {table} rejects the item {item} ({code}: {message}): an item has at most 400 KB, and a key at most 2 KB"
    )]
    Rejected {
        /// The table's name.
        table: String,
        /// The item's key, shortened.
        item: String,
        /// The service's code.
        code: String,
        /// The service's message, shortened. It contains limits and expressions, not values.
        message: String,
    },
    /// Any other error: no connection, no response in time, a fault of the service, a request that the service rejects.
    #[error("the table {table} can't be used: {message}")]
    Broken {
        /// The table's name.
        table: String,
        /// The service's code and message, or the failure of the connection.
        message: String,
    },
}

impl RecordsError {
    /// Whether the same call may succeed later, without any change by an operator.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, RecordsError::Throttled { .. } | RecordsError::Broken { .. })
    }
}
