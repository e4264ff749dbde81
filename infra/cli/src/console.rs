//! The terminal: what the command line prints and asks.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// The output, and the answers of the user.
pub trait Console {
    /// Whether the output is a terminal.
    fn is_terminal(&self) -> bool;

    /// Whether a question has a reader: input and error output are a terminal.
    fn can_ask(&self) -> bool;

    /// Prints to the output.
    fn print(&mut self, text: &str);

    /// Prints to the error output, which is not part of a document.
    fn note(&mut self, text: &str);

    /// Asks a question, and returns whether the answer is yes. The end of the input is a no.
    fn ask(&mut self, question: &str) -> bool;
}

/// The process's own terminal. A closed output, as of `envkeeper events dev | head`, is not an error.
pub struct Terminal;

impl Console for Terminal {
    fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn print(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn note(&mut self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn ask(&mut self, question: &str) -> bool {
        self.note(&format!("{question} [y/N] "));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }
}
