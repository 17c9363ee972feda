/** What a promise is rejected with; `undefined` when it is not. */
export const failureOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
    return undefined
  } catch (error) {
    return error
  }
}
