//! Preflight: whether an account has room for a plan, before the first write.
//!
//! [`needs`] derives from a plan what it takes of each limit of the account; an [`Account`] has what the account states about
//! these limits; [`preflight`] compares the two. A finding is one of three: it fits, it certainly does not, or it is
//! unknown. Only what certainly does not fit refuses a request: a value that was not read never does, and a default, which
//! AWS may have raised for the account, stands in for no value.

mod account;
mod finding;
mod limit;
mod need;
mod vcpu_family;

pub use account::{Account, Allowance, Unread};
pub use finding::{Finding, Verdict, preflight};
pub use limit::{Limit, Quota};
pub use need::{Need, NeedInputs, free_addresses, needs, running_instances};
pub use vcpu_family::VcpuFamily;
