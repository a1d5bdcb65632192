//! The `why500` program: parse, dispatch, exit code.

fn main() -> why500::cli::exit::Exit {
    why500::cli::main()
}
