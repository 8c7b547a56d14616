/** Language for a locale such as `ar-SA`, for vendors that support Arabic and English. */
export function arabicOrEnglish(locale: string, fallback: 'ar' | 'en'): 'ar' | 'en' {
  const [language = ''] = locale.toLowerCase().split(/[-_]/);
  return language === 'ar' || language === 'en' ? language : fallback;
}

/** The vendor language for a locale such as `pt-BR`: an exact match, or the first with the same primary language. */
export function closestLanguage(locale: string, languages: readonly string[]): string | undefined {
  const wanted = locale.toLowerCase().split(/[-_]/);
  const partsOf = (language: string) => language.toLowerCase().split('-');
  return (
    languages.find((language) => partsOf(language).join() === wanted.join()) ??
    languages.find((language) => partsOf(language)[0] === wanted[0])
  );
}
