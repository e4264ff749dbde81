import { Arn, ArnFormat, Aws, Fn } from 'aws-cdk-lib';

/**
 * The functions of a deployment of Envkeeper, by their ARNs.
 */
export interface DeploymentFunctions {
  /**
   * The function custom-resource.
   */
  readonly customResource: string;

  /**
   * The function alarm.
   */
  readonly alarm: string;
}

/**
 * A deployment of Envkeeper in the account and region of the environment.
 */
export class Deployment {
  /**
   * The deployment of a stack, by the exports of that stack.
   *
   * CloudFormation keeps the stack of the deployment, and the values of these exports, as long as a stack imports them.
   *
   * @param stackName The name of the stack; `envkeeper` if it is omitted.
   */
  public static fromStackName(stackName: string = 'envkeeper'): Deployment {
    const exported = (name: string) => Fn.importValue(`${stackName}-${name}`);
    return new Deployment(exported('service-token'), exported('alarm-function'));
  }

  /**
   * The deployment with a project, by the names of its functions.
   *
   * @param projectName The parameter `ProjectName` of the deployment; `scalable-ec2` if it is omitted.
   */
  public static fromProjectName(projectName: string = 'scalable-ec2'): Deployment {
    const called = (name: string) =>
      Arn.format({
        partition: Aws.PARTITION,
        service: 'lambda',
        region: Aws.REGION,
        account: Aws.ACCOUNT_ID,
        resource: 'function',
        resourceName: `${projectName}-${name}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    return new Deployment(called('custom-resource'), called('alarm'));
  }

  /**
   * The deployment with these functions.
   */
  public static fromFunctionArns(functions: DeploymentFunctions): Deployment {
    return new Deployment(functions.customResource, functions.alarm);
  }

  private constructor(
    /**
     * The service token of environments: the ARN of the function custom-resource.
     */
    public readonly serviceToken: string,
    /**
     * The ARN of the function alarm, which your own alarms invoke so that rules can refer to them.
     */
    public readonly alarmFunctionArn: string,
  ) {}
}
