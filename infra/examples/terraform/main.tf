terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

# A stack of CloudFormation with one environment, in the account and region of the provider.
resource "aws_cloudformation_stack" "web" {
  name          = "web-${var.environment.suffix}"
  template_body = local.template
  parameters    = local.parameters

  # CloudFormation waits for a response for at most an hour; the provider, for half an hour by default.
  timeouts {
    create = "70m"
    update = "70m"
    delete = "70m"
  }
}

output "auto_scaling_group_name" {
  description = "The name of the Auto Scaling group."
  value       = aws_cloudformation_stack.web.outputs["AutoScalingGroupName"]
}

output "bucket_name" {
  description = "The name of the bucket for data."
  value       = aws_cloudformation_stack.web.outputs["BucketName"]
}

output "dashboard_url" {
  description = "The address of the dashboard in the console."
  value       = aws_cloudformation_stack.web.outputs["DashboardUrl"]
}
