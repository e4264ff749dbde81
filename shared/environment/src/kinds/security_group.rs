use crate::field::{Field, Value};
use crate::resource::Ref;

/// The instances' security group: nothing comes in, and everything may go out, which is how AWS makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroup {
    pub vpc: Ref,
    pub description: String,
}

impl SecurityGroup {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("description", Value::Text(self.description.clone())),
        ]
    }
}
