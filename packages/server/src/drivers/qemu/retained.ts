/** Awaits a remembered answer, and forgets it when it is a failure. */
export async function retained<T>(answer: Promise<T>, forget: () => void): Promise<T> {
  try {
    return await answer
  } catch (error) {
    forget()
    throw error
  }
}
