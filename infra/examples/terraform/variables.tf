variable "environment" {
  description = "The environment, as functions/custom-resource/PROPERTIES.md describes its properties."
  nullable    = false

  type = object({
    suffix              = string
    min_size            = optional(number, 1)
    max_size            = optional(number, 3)
    instance_type       = optional(string, "t3.micro")
    deletion_protection = optional(bool, false)
    bucket_on_delete    = optional(string, "Retain")
  })

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", var.environment.suffix))
    error_message = "suffix: lowercase letters, digits and inner dashes."
  }

  validation {
    condition     = var.environment.min_size <= var.environment.max_size
    error_message = "min_size: at most max_size."
  }

  validation {
    condition     = contains(["Retain", "Empty", "FailIfNotEmpty"], var.environment.bucket_on_delete)
    error_message = "bucket_on_delete: one of Retain, Empty, FailIfNotEmpty."
  }
}
