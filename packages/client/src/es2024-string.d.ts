// A method of ES2024 that Node 20 has, while the library that this project compiles against is ES2023's.
interface String {
  /** Whether the string has a UTF-8 form: no lone surrogates. */
  isWellFormed(): boolean
}
