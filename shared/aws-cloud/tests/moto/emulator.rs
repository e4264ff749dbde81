//! moto as a child process: started on a free port, waited for, and ended when the test is over.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to listen: 1.5 s as a rule, and several may start at once.
const START_TIME: Duration = Duration::from_mins(1);

/// Runs moto until it ends or our end of the pipe is closed, which happens however this process ends.
const WATCHED: &str = r#"exec 3<&0; "$0" -H 127.0.0.1 -p "$1" & moto=$!; { cat <&3; kill $moto; } & wait $moto"#;

pub struct Emulator {
    child: Child,
    pub url: String,
}

impl Emulator {
    pub fn start() -> Emulator {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/moto_server");
        assert!(program.exists(), "moto_server is missing: run `make tools`");
        let address = free_address();
        let child = Command::new("sh")
            .args(["-c", WATCHED])
            .arg(program)
            .arg(address.port().to_string())
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        // From here on it ends whatever happens.
        let mut emulator = Emulator { child, url: format!("http://{address}") };
        emulator.wait_until_it_listens(address);
        emulator
    }

    fn wait_until_it_listens(&mut self, address: SocketAddr) {
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().expect("the state of moto_server");
            assert!(ended.is_none(), "moto_server ended at once: {ended:?}");
            assert!(begun.elapsed() < START_TIME, "moto_server does not listen after {START_TIME:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
