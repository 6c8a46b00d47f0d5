// Built files that are embedded in the executable; importing one `with { type: "file" }` gives its path.
declare module "*.so" {
  const path: string;
  export default path;
}
declare module "*.bpf.o" {
  const path: string;
  export default path;
}
