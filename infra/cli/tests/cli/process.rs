//! The program itself: the exit codes that no verb decides.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use clap::Parser as _;
use environment::{DEFAULT_PROJECT, Deployment};
use envkeeper::arguments::Arguments;

/// The program, without a user's own settings.
fn envkeeper(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envkeeper"));
    command.args(words).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs([
        ("AWS_REGION", "us-west-2"),
        ("AWS_ACCESS_KEY_ID", "example"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    command
}

/// The exit code, the output and the error output, for a golden file.
fn golden(Output { status, stdout, stderr }: &Output) -> String {
    let [out, notes] = [stdout, stderr].map(|it| String::from_utf8_lossy(it));
    format!("exit {}\n{out}--- stderr\n{notes}", status.code().unwrap())
}

#[test]
fn wrong_use_has_its_own_code_and_the_next_step() {
    let lines =
        ["statu dev", "status", "hold dev --hours 0", "why instance", "events dev --since yesterday", "roll dev"];
    let run = |line: &str| {
        let output = envkeeper(&line.split(' ').collect::<Vec<_>>()).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{line}");
        format!("$ envkeeper {line}\n{}", golden(&output))
    };
    let all: String = lines.into_iter().map(run).collect();
    insta::assert_snapshot!("wrong-use", all);
}

#[test]
fn help_and_version_are_no_errors() {
    for word in ["--help", "--version"] {
        assert_eq!(envkeeper(&[word]).output().unwrap().status.code(), Some(0), "{word}");
    }
}

/// The call to the function gets no response.
#[test]
fn ctrl_c_ends_a_call_with_its_own_code() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let child = envkeeper(&["watch", "dev"]).env("AWS_ENDPOINT_URL", endpoint).spawn().unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    connection.read_exact(&mut [0]).unwrap();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    insta::assert_snapshot!("interrupted", golden(&output));
}

/// The functions print these commands in reasons and texts.
#[test]
fn a_command_of_a_function_is_one_of_the_program() {
    for project in [DEFAULT_PROJECT, "shop"] {
        let deployment =
            Deployment { project: project.into(), region: "us-west-2".into(), account: "123456789012".into() };
        let id = deployment.names("dev").environment_id();
        let requests: [&[&str]; 5] = [
            &["status", &id],
            &["repair", &id],
            &["unlock", &id],
            &["allow-adoption", &id, "0123456789abcdef0123"],
            &["list"],
        ];
        for words in requests {
            let command = deployment.command(words);
            let arguments = Arguments::try_parse_from(command.split(' ')).unwrap();
            assert_eq!(arguments.verb.name(), words[0]);
            assert_eq!(arguments.options.project.as_deref().unwrap_or(DEFAULT_PROJECT), project, "{command}");
        }
    }
}
