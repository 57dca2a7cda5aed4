//! One SMTP conversation (RFC 5321) with AUTH, SIZE, PIPELINING and 8BITMIME; every line bounded.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    faults::{Action, Faults, Stage},
    mail::Mail,
    store::Store,
};

const LINE_LIMIT: u64 = 64 * 1024;
const MAIL_LIMIT: usize = 10 * 1024 * 1024;
const RECIPIENT_LIMIT: usize = 100;
const IDLE: Duration = Duration::from_mins(5);

/// Serves a connection until its end.
pub async fn serve(stream: TcpStream, store: &Store, faults: &Faults) -> Result<()> {
    stream.set_nodelay(true)?;
    let stream = BufReader::new(stream);
    let mut session = Session {
        stream,
        store,
        faults,
        sender: None,
        recipients: Vec::new(),
    };
    if session
        .answer(Stage::Connect, None, "220 galaxy inbox")
        .await?
        != Reply::Regular
    {
        return Ok(());
    }
    while let Some(line) = session.line().await? {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if !session.command(&line).await? {
            break;
        }
    }
    Ok(())
}

struct Session<'a> {
    stream: BufReader<TcpStream>,
    store: &'a Store,
    faults: &'a Faults,
    sender: Option<String>,
    recipients: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// The command succeeded.
    Regular,
    /// A programmed fault replied instead.
    Fault,
}

impl Session<'_> {
    /// Carries out one command; `false` ends the conversation.
    async fn command(&mut self, line: &str) -> Result<bool> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                let size = format!(
                    "250-galaxy\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE {MAIL_LIMIT}\r\n250 AUTH PLAIN LOGIN"
                );
                self.reset();
                self.answer(Stage::Hello, None, &size).await?;
            }
            "HELO" => {
                self.reset();
                self.answer(Stage::Hello, None, "250 galaxy").await?;
            }
            "AUTH" => self.auth(rest).await?,
            "MAIL" => self.mail(rest).await?,
            "RCPT" => self.recipient(rest).await?,
            "DATA" => self.data().await?,
            "RSET" => {
                self.reset();
                self.send("250 reset").await?;
            }
            "NOOP" => self.send("250 OK").await?,
            "VRFY" => self.send("252 cannot verify").await?,
            "QUIT" => {
                self.send("221 bye").await?;
                return Ok(false);
            }
            _ => self.send("500 unknown command").await?,
        }
        Ok(true)
    }

    fn reset(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    /// Any credentials are accepted.
    async fn auth(&mut self, rest: &str) -> Result<()> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let prompts: &[&str] = match (mechanism.to_ascii_uppercase().as_str(), initial.is_empty()) {
            ("PLAIN", false) => &[],
            ("PLAIN", true) => &["334 "],
            ("LOGIN", true) => &["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"],
            ("LOGIN", false) => &["334 UGFzc3dvcmQ6"],
            _ => return self.send("504 PLAIN or LOGIN").await,
        };
        for prompt in prompts {
            self.send(prompt).await?;
            match self.line().await? {
                Some(line) if line.starts_with(b"*") => return self.send("501 cancelled").await,
                Some(_) => {}
                None => bail!("the client disconnected during AUTH"),
            }
        }
        self.answer(Stage::Auth, None, "235 authenticated").await?;
        Ok(())
    }

    async fn mail(&mut self, rest: &str) -> Result<()> {
        let Some((sender, parameters)) = path(rest, "FROM:") else {
            return self.send("501 MAIL FROM:<address>").await;
        };
        if self.sender.is_some() {
            return self.send("503 MAIL already given").await;
        }
        if declared_size(parameters).is_some_and(|size| size > MAIL_LIMIT) {
            return self.send("552 too big").await;
        }
        if self.answer(Stage::Mail, None, "250 sender noted").await? == Reply::Regular {
            self.sender = Some(sender.to_owned());
        }
        Ok(())
    }

    async fn recipient(&mut self, rest: &str) -> Result<()> {
        let Some((recipient, _)) = path(rest, "TO:") else {
            return self.send("501 RCPT TO:<address>").await;
        };
        if self.sender.is_none() {
            return self.send("503 MAIL first").await;
        }
        if self.recipients.len() >= RECIPIENT_LIMIT {
            return self.send("452 too many recipients").await;
        }
        let lower = recipient.to_lowercase();
        if self
            .answer(Stage::Recipient, Some(&lower), "250 recipient noted")
            .await?
            == Reply::Regular
        {
            self.recipients.push(recipient.to_owned());
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<()> {
        if self.recipients.is_empty() {
            return self.send("503 RCPT first").await;
        }
        if self.answer(Stage::Data, None, "354 end with a dot").await? == Reply::Fault {
            return Ok(());
        }
        let Some(content) = self.content().await? else {
            self.reset();
            return self.send("552 too big").await;
        };
        let (sender, recipients) = (self.sender.take(), std::mem::take(&mut self.recipients));
        let mail = Mail::read(sender.unwrap_or_default(), recipients, content);
        let accepted = format!("250 kept as {}", mail.id);
        match self.faults.take(Stage::End, None) {
            None => self.store.add(mail),
            Some(Action::Delay(by)) => {
                sleep(by).await;
                self.store.add(mail);
            }
            Some(Action::Reply(status, text)) => {
                return self.send(&format!("{status} {text}")).await;
            }
            Some(Action::Drop) => bail!("cut after the content"),
            Some(Action::KeepAndDrop) => {
                self.store.add(mail);
                bail!("cut after the mail was kept");
            }
        }
        self.send(&accepted).await
    }

    /// Everything up to the dot, dot-stuffing undone (RFC 5321, 4.5.2); `None` if it is too big.
    async fn content(&mut self) -> Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        let mut size = 0;
        while let Some(line) = self.line().await? {
            match self.faults.take(Stage::Content, None) {
                Some(Action::Delay(by)) => sleep(by).await,
                Some(_) => bail!("cut within the content"),
                None => {}
            }
            if line == b".\r\n" || line == b".\n" {
                return Ok((size <= MAIL_LIMIT).then_some(content));
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            size += line.len();
            if size <= MAIL_LIMIT {
                content.extend_from_slice(line);
            }
        }
        bail!("the client disconnected within the content")
    }

    /// A line with its end; `None` when the client has disconnected.
    async fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(LINE_LIMIT);
        timeout(IDLE, bounded.read_until(b'\n', &mut line)).await??;
        if line.last() == Some(&b'\n') {
            return Ok(Some(line));
        }
        if line.is_empty() {
            Ok(None)
        } else {
            bail!("a line is too long")
        }
    }

    async fn answer(
        &mut self,
        stage: Stage,
        recipient: Option<&str>,
        regular: &str,
    ) -> Result<Reply> {
        match self.faults.take(stage, recipient) {
            None => self.send(regular).await?,
            Some(Action::Delay(by)) => {
                sleep(by).await;
                self.send(regular).await?;
            }
            Some(Action::Reply(status, text)) => {
                self.send(&format!("{status} {text}")).await?;
                return Ok(Reply::Fault);
            }
            Some(Action::Drop | Action::KeepAndDrop) => bail!("cut"),
        }
        Ok(Reply::Regular)
    }

    async fn send(&mut self, line: &str) -> Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        Ok(())
    }
}

/// The address of `FROM:<a@b> SIZE=1`, and what follows it.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let rest = rest.trim_start();
    let begin = rest.get(..keyword.len())?;
    begin.eq_ignore_ascii_case(keyword).then_some(())?;
    let (address, parameters) = rest[keyword.len()..]
        .trim_start()
        .strip_prefix('<')?
        .split_once('>')?;
    Some((address, parameters))
}

fn declared_size(parameters: &str) -> Option<usize> {
    parameters.split_whitespace().find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("SIZE")
            .then(|| value.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_with_and_without_parameters_and_space() {
        assert_eq!(
            path("FROM:<a@b> SIZE=12", "FROM:"),
            Some(("a@b", " SIZE=12"))
        );
        assert_eq!(
            path("from: <>", "FROM:"),
            Some(("", "")),
            "the sender of bounces"
        );
        assert_eq!(path("TO:a@b", "TO:"), None);
        assert_eq!(declared_size(" BODY=8BITMIME size=99"), Some(99));
    }
}
