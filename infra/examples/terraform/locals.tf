locals {
  # The smallest example. A template of your own may set every property.
  template = file("${path.module}/../web.yaml")

  parameters = {
    Suffix             = var.environment.suffix
    MinSize            = var.environment.min_size
    MaxSize            = var.environment.max_size
    InstanceType       = var.environment.instance_type
    DeletionProtection = var.environment.deletion_protection
    BucketOnDelete     = var.environment.bucket_on_delete
  }
}
