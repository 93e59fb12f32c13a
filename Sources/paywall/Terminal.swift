import Foundation

/// The person in front of the terminal, if there is one.
enum Terminal {
  /// Whether the output is a terminal.
  static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }

  /// How many columns the output has; 80 where it is no terminal.
  static var columnCount: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Whether somebody can be asked: input and errors are a terminal.
  static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

  /// Writes a line that is no part of the answer.
  static func note(_ line: String) {
    write(line + "\n")
  }

  /// Shows on a terminal what is being waited for, in a line that the next one replaces.
  static func progress(_ text: String) {
    if isatty(STDERR_FILENO) == 1 { write("\r\u{1B}[K\(text)") }
  }

  /// Whether pictures made of characters can be shown: errors are a terminal that knows UTF-8.
  static var canShowPictures: Bool {
    let environment = ProcessInfo.processInfo.environment
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let encoding = locale?.uppercased().replacing("-", with: "")
    return isatty(STDERR_FILENO) == 1 && encoding?.contains("UTF8") == true
  }

  private static func write(_ text: String) {
    // A closed standard error is no reason to fail.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Asks; only `y` and `yes` agree.
  static func agrees(to question: String) -> Bool {
    write("\(question) [y/N] ")
    return ["y", "yes"].contains(readLine()?.lowercased())
  }

  /// Reads a line from the input; on a terminal after a prompt and without showing what is typed.
  static func readSecret(prompt: String) -> String? {
    guard canAsk else { return readLine() }
    write("\(prompt): ")
    var settings = termios()
    guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return readLine() }
    var quiet = settings
    // Without signals too, or an interrupt would leave the terminal silent.
    quiet.c_lflag &= ~tcflag_t(ECHO | ISIG)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
    defer {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
      write("\n")
    }
    return readLine()
  }
}
