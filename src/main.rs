//! The `why500` program: parse, dispatch, exit code.

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> why500::cli::exit::Exit {
    why500::cli::main()
}
